"""The draft is cited in one spelling, with the revision that the code implements."""

import re
from collections.abc import Iterator
from pathlib import Path

from crossapp import DRAFT

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["crossapp", "base", "operations", "tenants", "authserver", "idp", "audit", "wiki", "todo", "idjag_demo"]
FOLDERS += ["templates", "tests", "docs", "deploy", "benchmarks"]
WRITTEN_BY_A_RUN = {"docs/conformance.md", "benchmarks/report.md"}
REVISION = DRAFT[-3:]


def texts() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file that may cite."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    files += [file for folder in FOLDERS for file in (ROOT / folder).rglob("*")]
    for file in files:
        path = file.relative_to(ROOT).as_posix()
        kept = file.suffix in {".py", ".md", ".html", ".txt"} and path not in WRITTEN_BY_A_RUN
        if kept and not {"migrations", "node_modules"} & set(file.parts) and file != Path(__file__):
            yield path, file.read_text()


def test_every_citation_of_the_draft_names_its_revision() -> None:
    wrong = re.compile(
        rf"[Dd]raft,? sections? \d|ID-JAG(?! {REVISION}) sections? \d|ID-JAG -(?!{REVISION[1:]})\d\d section"
    )
    found = [f"{path}: {match[0]}" for path, text in texts() for match in wrong.finditer(re.sub(r"\s+", " ", text))]
    assert found == []


def test_every_link_to_the_draft_is_to_its_revision() -> None:
    name = DRAFT[:-3]
    found = [path for path, text in texts() if re.search(rf"{name}(?!{REVISION})", text)]
    assert found == []


def test_the_citations_are_there() -> None:
    assert sum(text.count(f"ID-JAG {REVISION} section") for _, text in texts()) > 40
