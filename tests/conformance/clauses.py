"""Reads `clauses.txt`: what of the draft, of its successors and of its profiles is done, refused, or not read."""

from dataclasses import dataclass
from pathlib import Path

CLAUSES = Path(__file__).with_name("clauses.txt")
STATES = ("done", "refused", "not here", "not done", "not read")


@dataclass(frozen=True)
class KeptClause:
    """One clause of a document: what it asks, its state here, how or why not, and the tests that prove it."""

    section: str
    asks: str
    state: str
    how: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class KeptDocument:
    """A document, what of it was read, and its clauses in order."""

    name: str
    read: str
    clauses: tuple[KeptClause, ...]


def read_clauses(path: Path = CLAUSES) -> list[KeptDocument]:
    """Return the documents of `clauses.txt`, which says what its lines mean. Raises ValueError for another line."""
    found: list[tuple[str, str, list[KeptClause]]] = []
    for line in path.read_text().splitlines():
        if line.startswith("== "):
            name, read = (part.strip() for part in line.removeprefix("== ").split("|"))
            found.append((name, read, []))
        elif line and not line.startswith("#"):
            section, asks, state, how, tests = (part.strip() for part in line.split("|"))
            named = tuple(test.strip() for test in tests.split(",") if test.strip())
            found[-1][2].append(KeptClause(section, asks, state, how, named))
    return [KeptDocument(name, read, tuple(clauses)) for name, read, clauses in found]
