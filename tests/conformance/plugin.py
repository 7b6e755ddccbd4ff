"""A pytest plugin that writes `docs/conformance.md` from a real run: clause, requirement, tests, outcomes.

`make conformance` loads it. Every process of the run notes what its tests prove and what was refused meanwhile; the
one that started them writes the report.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.clauses import read_clauses
from tests.conformance.refusals import recorded_refusals
from tests.conformance.report import Case, report
from tests.conformance.rows import read_rows

_CLAUSES, _REFUSED = "clauses", "refused"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance", metavar="FILE", help="write which clauses the tests of this run prove")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("conformance"):
        config.pluginmanager.register(_Notes(), "conformance notes")
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(_Report(Path(config.getoption("conformance"))), "conformance report")


class _Notes:
    """In each process: what a test proves, and whether a token endpoint refused something while it ran."""

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            clauses = [[str(part) for part in marker.args] for marker in item.iter_markers("clause")]
            item.user_properties.append((_CLAUSES, clauses))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        with recorded_refusals(getattr(item, "module", None)) as refused:
            result = yield
        item.user_properties.append((_REFUSED, sorted(refused)))
        return result


class _Report:
    """In the process that started the run: the outcomes, and at the end the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cases: dict[str, Case] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties: dict[str, Any] = dict(report.user_properties)
        case = self.cases.setdefault(report.nodeid, Case(report.nodeid))
        case.clauses = [tuple(clause) for clause in properties.get(_CLAUSES, [])]
        case.refused |= set(properties.get(_REFUSED, []))
        if report.failed:
            case.outcome = "failed"
        elif report.skipped and case.outcome != "failed":
            case.outcome = "skipped"

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(report(list(self.cases.values()), read_rows(), read_clauses()))
