"""JSON as a security protocol wants it (RFC 8259 section 4): no name twice, no NaN, no bottomless nesting."""

import json
from typing import Any, NoReturn

DEEPEST = 64


def json_value(data: bytes | str) -> Any:
    """Return the JSON value in `data` (UTF-8); raises `ValueError` for anything else."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not _is_shallow(value):
        raise ValueError("nested too deeply")
    return value


def json_object(data: bytes | str) -> dict[str, Any]:
    """Return the JSON object in `data` (UTF-8); raises `ValueError` for anything else."""
    value = json_value(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _is_shallow(value: Any) -> bool:
    """Say whether `value` is nested so little that any recursion over it will end well."""
    level = [value]
    for _ in range(DEEPEST):
        level = [m for v in level if isinstance(v, dict | list) for m in (v.values() if isinstance(v, dict) else v)]
        if not level:
            return True
    return False
