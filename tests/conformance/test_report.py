"""The report counts what it is given, and takes sloppy markers for what they mean."""

import re
from pathlib import Path

from crossapp import DRAFT
from tests.conformance.clauses import STATES, KeptClause, KeptDocument, read_clauses
from tests.conformance.report import Case, report, rows_named
from tests.conformance.rows import Row, named_by_range, named_singly, read_rows


def test_ids_are_found_singly_and_in_ranges() -> None:
    text = "CL-9, TE-17..TE-19 and P10: what RFC 7523 says; MT-03…05"
    assert named_singly(text) == {"CL-09", "P10"}
    assert named_by_range(text) == {"TE-17", "TE-18", "TE-19", "MT-03", "MT-04", "MT-05"}


def test_a_range_adds_nothing_to_parameters_that_name_rows() -> None:
    clause = ("RFC 8693", "2.1", "TE-17..TE-20")
    assert rows_named([Case("t.py::a[TE-17]", [clause]), Case("t.py::a[TE-19 twice]", [clause])]) == {"TE-17", "TE-19"}
    assert rows_named([Case("t.py::b[x]", [clause])]) == {"TE-17", "TE-18", "TE-19", "TE-20"}


def test_the_report_is_sorted_as_people_count_and_says_what_failed() -> None:
    cases = [
        Case("t.py::a[1]", [("RFC 7523", "10", "late")]),
        Case("t.py::a[2]", [("RFC 7523", "10", "late")], outcome="failed"),
        Case("t.py::b", [("RFC 7523", "9", "P1")], refused={"redemption grant"}),
    ]
    kept = [KeptDocument("ID-JAG", "All of it.", (KeptClause("8", "of clients", "not done", "by hand", ("test_x",)),))]
    lines = report(cases, {"P1": Row("P1", "once", ""), "P2": Row("P2", "codes", "")}, kept).splitlines()
    assert lines[-2:] == ["| 9 | P1: once | `t.py::b` | 1 | 0 | 0 |", "| 10 | late | `t.py::a` ×2 | 1 | 1 | 0 |"]
    assert f"### ID-JAG {DRAFT[-3:]}, as kept" in lines
    assert "| 8 | of clients | not done | by hand | `test_x` |" in lines
    assert "- P2: codes" in lines
    assert "- P1: once" not in lines
    assert "| resource side: jwt-bearer (RFC 7523) | 0 | 1 | 0 | 1 |" in lines


def test_the_rows_are_in_our_own_file() -> None:
    rows = read_rows()
    assert len(rows) == 508
    assert all(row.about for row in rows.values())


def test_the_clauses_kept_by_hand_name_tests_that_are_there() -> None:
    files = Path(__file__).resolve().parents[1].rglob("test_*.py")
    tests = {name for file in files for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)}
    for clause in (clause for document in read_clauses() for clause in document.clauses):
        assert set(clause.tests) <= tests, clause
        assert clause.state in STATES, clause
        assert clause.tests or clause.state not in ("done", "refused"), clause
        assert clause.asks or clause.how, clause
