"""Every way we know to weaken the checks of a module: one small change to its source at a time."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SWAPS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_QUERIES = ("filter", "exclude", "get")


@dataclass(frozen=True)
class Mutant:
    """A changed module: `line` and `change` say where and what, `source` is the whole of it."""

    path: str
    line: int
    change: str
    source: str


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Return every mutant of the module at `path`, each once, in the order of its lines."""
    tree = ast.parse(source)
    original, declarations = ast.unparse(tree), set(_declarations(tree))
    found: dict[str, Mutant] = {}
    for number, node in enumerate(ast.walk(tree)):
        if node in declarations:
            continue
        for variant, (change, _) in enumerate(_variants(copy.deepcopy(node))):
            mutated = ast.parse(source)
            target = next(twin for index, twin in enumerate(ast.walk(mutated)) if index == number)
            _, replacement = list(_variants(target))[variant]
            text = ast.unparse(ast.fix_missing_locations(_Replace(target, replacement).visit(mutated)))
            if text != original:
                found.setdefault(text, Mutant(path, _line(node), change, text))
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.change))


def _declarations(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what declares classes, fields, types or several values at once: to change it weakens no check."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef():
                roots: list[ast.expr | None] = [*node.decorator_list]
            case ast.FunctionDef():
                roots = [*node.decorator_list, node.returns]
            case ast.arg() | ast.AnnAssign():
                roots = [node.annotation]
            case ast.Call(func=ast.Name(id="field")):
                roots = [node]
            case ast.Return(value=ast.Tuple() as several) | ast.Assign(targets=[ast.Tuple()], value=several):
                yield several  # to drop one of several returned values breaks every caller
                continue
            case _:
                continue
        for root in filter(None, roots):
            yield from ast.walk(root)


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        return self.replacement if node is self.target else super().generic_visit(node)


def _variants(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield what may stand in the place of `node`, with the words for it."""
    match node:
        case ast.Raise() | ast.Expr(value=ast.Call()):
            yield f"remove «{_shown(node)}»", ast.Pass()
        case ast.If() | ast.IfExp():
            yield f"invert «{_shown(node.test)}»", _with(node, test=_not(node.test))
            if isinstance(node, ast.If) and not node.orelse:
                yield f"remove the check «{_shown(node.test)}»", ast.Pass()
        case ast.comprehension(ifs=[_, *_]):
            for index, test in enumerate(node.ifs):
                yield f"filter by the inverse of «{_shown(test)}»", _with(node, ifs=_put(node.ifs, index, _not(test)))
                yield f"do not filter by «{_shown(test)}»", _with(node, ifs=_drop(node.ifs, index))
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield f"swap and/or in «{_shown(node)}»", _with(node, op=other)
            for index, value in enumerate(node.values):
                yield f"drop «{_shown(value)}» from «{_shown(node)}»", _without(node, index)
        case ast.UnaryOp(op=ast.Not()):
            yield f"drop the not of «{_shown(node)}»", node.operand
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                for swap in _SWAPS.get(type(operator), ()):
                    swapped = _with(node, ops=_put(node.ops, index, swap()))
                    yield f"«{_shown(node)}» becomes «{_shown(swapped)}»", swapped
        case ast.Tuple(elts=[_, _, *_], ctx=ast.Load()) | ast.List(elts=[_, _, *_], ctx=ast.Load()):
            for index, element in enumerate(node.elts):
                yield f"drop the element «{_shown(element)}»", _with(node, elts=_drop(node.elts, index))
        case ast.Call(func=ast.Attribute(attr=name)) if name in _QUERIES:
            for index, keyword in enumerate(node.keywords):
                yield f"{name}() without «{keyword.arg}»", _with(node, keywords=_drop(node.keywords, index))
        case ast.Constant(value=bool(flag)):
            yield f"{flag} becomes {not flag}", ast.Constant(not flag)
        case ast.Constant(value=int(number)):
            yield f"{number} becomes {number + 1}", ast.Constant(number + 1)


def _line(node: ast.AST) -> int:
    return _line(node.target) if isinstance(node, ast.comprehension) else int(getattr(node, "lineno", 0))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _without(node: ast.BoolOp, index: int) -> ast.AST:
    rest = _drop(node.values, index)
    return rest[0] if len(rest) == 1 else _with(node, values=rest)


def _not(test: ast.expr) -> ast.AST:
    match test:
        case ast.UnaryOp(op=ast.Not()):
            return test.operand
        case ast.Compare(ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn() | ast.Is() | ast.IsNot() as operator]):
            return _with(test, ops=[_SWAPS[type(operator)][0]()])
    return ast.UnaryOp(ast.Not(), test)


def _drop(items: list[Any], index: int) -> list[Any]:
    return items[:index] + items[index + 1 :]


def _put(items: list[Any], index: int, item: object) -> list[Any]:
    return [*items[:index], item, *items[index + 1 :]]


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else text[:87] + "..."
