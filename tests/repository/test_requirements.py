"""The pins: each with hashes, and nothing in them of the machine that made them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ["requirements.txt", "requirements-dev.txt", "requirements-mysql.txt"]


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    pins = re.split(r"\n(?=\S)", (ROOT / name).read_text())
    unpinned = [
        pin for pin in pins if pin[0] != "#" and not re.match(r"[a-z0-9-]+==\S+.*?--hash=sha256:", pin, re.DOTALL)
    ]
    assert unpinned == []


@pytest.mark.parametrize("name", FILES)
def test_the_pins_name_no_index_and_no_path(name: str) -> None:
    assert (
        re.findall(r"https?:|file:|--(?:extra-)?index|--find-links|^/.*$", (ROOT / name).read_text(), re.MULTILINE)
        == []
    )


def test_every_direct_requirement_is_among_the_pins() -> None:
    wanted = re.findall(r"^[a-z0-9-]+", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    pinned = re.findall(r"^[a-z0-9-]+(?===)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert [name for name in wanted if name not in pinned] == []
