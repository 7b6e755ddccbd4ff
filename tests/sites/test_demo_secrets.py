"""The demo's own secrets."""

import stat
from pathlib import Path

from idjag_demo.demo.secrets import demo_secrets


def test_they_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first = demo_secrets(tmp_path / "var")
    assert demo_secrets(tmp_path / "var") == first
    assert stat.S_IMODE((tmp_path / "var" / "demo-secrets").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["demo-secrets"]


def test_two_checkouts_have_different_ones(tmp_path: Path) -> None:
    assert demo_secrets(tmp_path / "a") != demo_secrets(tmp_path / "b")
