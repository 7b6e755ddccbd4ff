"""The rows of the requirements, by id, and how tests name them: singly, or sloppily as a range."""

import re
from dataclasses import dataclass
from pathlib import Path

ROWS = Path(__file__).with_name("rows.txt")
_FAMILIES = "TE|OP|RP|RS|IR|MD|CL|UF|XS|DC|WEB|MT|SEC|LIM"
_RANGE = re.compile(rf"\b({_FAMILIES})-(\d+)\s*(?:\.\.\.?|…|–|to)\s*(?:\1-)?(\d+)\b")
_SINGLE = re.compile(rf"\b((?:{_FAMILIES})-\d+|P\d+)\b")


@dataclass(frozen=True)
class Row:
    """One row: its id, what it is about in our words, and why it does not apply here, if it does not."""

    id: str
    about: str
    not_here: str


def read_rows(path: Path = ROWS) -> dict[str, Row]:
    """Read `rows.txt`: `id<space>about`, with ` | reason` behind it where a row does not apply; `#` is a comment."""
    rows = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            row, _, rest = line.partition(" ")
            about, _, reason = rest.partition(" | ")
            rows[row] = Row(row, about.strip(), reason.strip())
    return rows


def named_singly(text: str) -> set[str]:
    """Return the ids that `text` spells out, without those that only bound a range: "TE-03" but not "TE-17..TE-24"."""
    return {_normal(found) for found in _SINGLE.findall(_RANGE.sub(" ", text))}


def named_by_range(text: str) -> set[str]:
    """Return the ids within the ranges in `text`: "TE-17..TE-24" is eight of them."""
    return {
        _normal(f"{family}-{number}")
        for family, first, last in _RANGE.findall(text)
        for number in range(int(first), int(last) + 1)
    }


def _normal(row: str) -> str:
    family, dash, number = row.partition("-")
    return f"{family}-{int(number):02}" if dash else row
