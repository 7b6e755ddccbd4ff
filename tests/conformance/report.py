"""`docs/conformance.md`: from the outcomes of a run to the text. The same run gives the same text: there is no date."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crossapp import DRAFT
from tests.conformance.clauses import KeptDocument
from tests.conformance.rows import Row, named_by_range, named_singly

FIGURES = Path(__file__).resolve().parents[1] / "mutation" / "figures.json"
Clause = tuple[str, ...]

_NAMES = {
    "ID-JAG": f"ID-JAG {DRAFT[-3:]}",
    "OIDC Core": "OpenID Connect Core",
    "OIDC Discovery": "OpenID Connect Discovery",
    "OIDC RP-Initiated Logout": "OpenID Connect RP-Initiated Logout",
    "MCP EMA": "MCP Enterprise-Managed Authorization",
}
_OUR_ROWS = "Our requirements"
_SIDES = {
    "exchange": "IdP: token exchange (RFC 8693)",
    "redemption": "resource side: jwt-bearer (RFC 7523)",
}
_WHERE = {
    "http": "over HTTP (the Django view answers 4xx or 5xx)",
    "grant": "at oauthlib's token endpoint with the grant in it",
    "verification": "in the verification of the ID-JAG alone",
}


@dataclass
class Case:
    """One test with one set of parameters, and how it ended."""

    nodeid: str
    clauses: list[Clause] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    outcome: str = "passed"

    @property
    def test(self) -> str:
        return self.nodeid.partition("[")[0]

    @property
    def parameters(self) -> str:
        return self.nodeid.partition("[")[2]


def report(cases: list[Case], rows: Mapping[str, Row], kept: Iterable[KeptDocument]) -> str:
    """Return the whole document; `kept` is what is said by hand of the draft and its profiles."""
    clauses = _by_clause(cases)
    sections = [
        _head(cases, clauses),
        _negative_cases(cases),
        _mutation(),
        _kept_by_hand(kept),
        _rows_without_tests(rows_named(cases), rows),
        _documents(clauses, rows),
    ]
    return "\n\n".join(sections) + "\n"


def rows_named(cases: Iterable[Case]) -> set[str]:
    """Return the rows that tests name.

    If the parameters of a test name rows themselves, a range in its marker adds none to them.
    """
    named: set[str] = set()
    by_test: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_test[case.test].append(case)
    for group in by_test.values():
        by_parameters = {row for case in group for row in named_singly(case.parameters)}
        marks = " ; ".join(" ".join(clause) for case in group for clause in case.clauses)
        named |= by_parameters | named_singly(marks) | (set() if by_parameters else named_by_range(marks))
    return named


def _by_clause(cases: Iterable[Case]) -> dict[Clause, list[Case]]:
    """Return the cases of each clause: document, section, requirement."""
    found: dict[Clause, list[Case]] = defaultdict(list)
    for case in cases:
        for clause in case.clauses:
            found[_normal(clause)].append(case)
    return dict(sorted(found.items(), key=lambda item: [_natural(part) for part in item[0]]))


def _normal(clause: Clause) -> Clause:
    document, section, text = (*clause, "", "", "")[:3]
    if document == "requirements.md" or named_singly(document) or re.fullmatch(r"[A-Z]{2,3}", document):
        return (_OUR_ROWS, section if named_singly(section) else f"{document} {section}".strip(), text)
    return (_NAMES.get(document, document), section, text)


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.findall(r"\d+|\D+", text)]


def _head(cases: list[Case], clauses: Mapping[Clause, list[Case]]) -> str:
    outcomes = {name: sum(case.outcome == name for case in cases) for name in ("passed", "failed", "skipped")}
    places = {clause[:2] for clause in clauses}
    documents = {clause[0] for clause in clauses}
    marked = sum(bool(case.clauses) for case in cases)
    return f"""# Conformance

Written by `make conformance` from a run of the tests; do not edit. A test says with `@pytest.mark.clause` what it
proves. A test with parameters counts once for each set of them.

| | |
|---|---|
| clauses (a section of a document) | {len(places)} in {len(documents)} documents |
| requirements (a text or the rows named at a clause) | {len(clauses)} |
| tests run | {len(cases)}: {outcomes["passed"]} passed, {outcomes["failed"]} failed, {outcomes["skipped"]} skipped |
| of these with a clause | {marked} |"""


def _negative_cases(cases: list[Case]) -> str:
    lines, everywhere = [], 0
    for side, title in _SIDES.items():
        counted = dict.fromkeys(_WHERE, 0)
        for case in cases:
            where = next((where for where in _WHERE if f"{side} {where}" in case.refused), None)
            if where and case.outcome == "passed":
                counted[where] += 1
        everywhere += sum(counted.values())
        lines.append(f"| {title} | " + " | ".join(map(str, (*counted.values(), sum(counted.values())))) + " |")
    head = " | ".join(_WHERE.values())
    return f"""## Negative cases at the two token endpoints

Counted by watching: a case is a test that passed and during which a token exchange or a jwt-bearer request was refused.
It counts once per side, however many refusals it saw, and in the first column that fits. This counts cases in which a
refusal is not the point of the test (a replay on the way to something else) and property-based tests once, whatever the
number of their examples.

| | {head} | together |
|---|---|---|---|---|
{chr(10).join(lines)}

{everywhere} together."""


def _mutation() -> str:
    figures = json.loads(FIGURES.read_text())
    lines, survivors = [], []
    for path, figure in figures.items():
        share = 100 * figure["found"] / max(1, figure["mutants"])
        lines.append(f"| `{path}` | {figure['mutants']} | {figure['found']} | {figure['not run']} | {share:.1f} % |")
        survivors += [f"- `{path}` {_cell(text)}" for text in figure["survived"]]
    mutants, found = (sum(figure[name] for figure in figures.values()) for name in ("mutants", "found"))
    share = 100 * found / max(1, mutants)
    return f"""## Mutation check

`make mutation` changes one thing at a time: it removes a check, a raise or a call, inverts a condition, swaps a
comparison or and/or, drops an operand, an element of a list or a condition of a query, changes a number or a flag, and
runs the tests of that module with `-x`. The figures are those of the run that wrote `tests/mutation/figures.json`.

| module | mutants | a test fails | not run | share |
|---|---|---|---|---|
{chr(10).join(lines)}
| together | {mutants} | {found} | {mutants - found - len(survivors)} | {share:.1f} % |

{"Survivors:" if survivors else "No survivors."}{chr(10) * 2 if survivors else ""}{chr(10).join(survivors)}""".rstrip()


def _kept_by_hand(kept: Iterable[KeptDocument]) -> str:
    parts = [
        "## The draft and its profiles, clause by clause",
        "Kept by hand in `tests/conformance/clauses.txt`. Refused means by name, with an error, never ignored.",
    ]
    for document in kept:
        lines = ["| section | what it asks | here | how, or why not | tests |", "|---|---|---|---|---|"]
        for clause in document.clauses:
            tests = "<br>".join(f"`{test}`" for test in clause.tests)
            lines.append(f"| {clause.section} | {clause.asks} | {clause.state} | {clause.how} | {tests} |")
        parts += [f"### {_NAMES.get(document.name, document.name)}, as kept", document.read, "\n".join(lines)]
    return "\n\n".join(parts)


def _rows_without_tests(named: set[str], rows: Mapping[str, Row]) -> str:
    applying = [row for row in rows.values() if not row.not_here]
    missing = [row for row in applying if row.id not in named]
    elsewhere = [row for row in rows.values() if row.not_here]
    unknown = sorted(named - set(rows), key=_natural)
    parts = [
        "## Rows of the requirements that no test names",
        f"{len(applying) - len(missing)} of {len(applying)} rows that apply are named by a test. "
        "If the parameters of a test name rows, a range in its marker adds none to them.",
        "\n".join(f"- {row.id}: {row.about}" for row in missing) or "None.",
        "Rows that do not apply here:",
        "\n".join(f"- {row.id}: {row.about}: {row.not_here}" for row in elsewhere) or "None.",
    ]
    if unknown:
        parts.append(f"Named by tests, but no row has the id: {', '.join(unknown)}.")
    return "\n\n".join(parts)


def _documents(clauses: Mapping[Clause, list[Case]], rows: Mapping[str, Row]) -> str:
    parts = ["## Clauses"]
    for document in dict.fromkeys(clause[0] for clause in clauses):
        lines = ["| section | requirement | tests | passed | failed | skipped |", "|---|---|---|---|---|---|"]
        for (_, section, text), cases in _within(clauses, document):
            counts = [sum(case.outcome == name for case in cases) for name in ("passed", "failed", "skipped")]
            cells = [_cell(section), _cell(_spelled_out(text, rows)), _tests(cases), *map(str, counts)]
            lines.append(f"| {' | '.join(cells)} |")
        parts += [f"### {document}", "\n".join(lines)]
    return "\n\n".join(parts)


def _within(clauses: Mapping[Clause, list[Case]], document: str) -> Iterable[tuple[Clause, list[Case]]]:
    return ((clause, cases) for clause, cases in clauses.items() if clause[0] == document)


def _spelled_out(text: str, rows: Mapping[str, Row]) -> str:
    """Add what the rows are about to a requirement that is ids only, unless they are many."""
    about = [rows[row].about for row in sorted(named_singly(text), key=_natural) if row in rows]
    only_ids = not re.sub(r"[A-Z]+-?\d+|[\s,;.…–]|to", "", text)
    return f"{text}: {'; '.join(about)}" if only_ids and 0 < len(about) <= 4 else text


def _tests(cases: list[Case]) -> str:
    counted: dict[str, int] = defaultdict(int)
    for case in cases:
        counted[case.test] += 1
    shown = (
        f"`{test.removeprefix('tests/')}`" + (f" ×{count}" if count > 1 else "") for test, count in counted.items()
    )
    return "<br>".join(sorted(shown))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
