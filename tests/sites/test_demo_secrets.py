"""The demo's own secrets."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from idjag_demo.demo.secrets import DemoSecrets, demo_secrets, make_demo_secrets

ROOT = Path(__file__).resolve().parents[2]
READ = "import {}.settings as it; print(it.SECRET_KEY, *it.CROSSAPP_RESOURCE_APP['ENCRYPTION_KEYS'])"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the settings are made of, where nothing was started yet."""
    for name in (
        "authserver",
        "base",
        "crossapp/__init__.py",
        "crossapp/core/__init__.py",
        "crossapp/core/urls.py",
        "fixtures",
        "idjag_demo",
        "operations",
        "tests/__init__.py",
        "tests/settings.py",
    ):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(exist_ok=True)
        copy(ROOT / name, tmp_path / name)
    return tmp_path


def python(checkout: Path, code: str) -> str:
    """Run `code` in `checkout` in a process that has nothing of this project in its environment; return its output."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, cwd=checkout, env=kept, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["idjag_demo", "tests"])
def test_importing_the_settings_leaves_no_trace(checkout: Path, module: str) -> None:
    before = sorted(checkout.rglob("*"))
    python(checkout, READ.format(module))
    assert sorted(checkout.rglob("*")) == before


def test_a_start_up_makes_them_before_the_settings_read_them(checkout: Path) -> None:
    start = "from idjag_demo.start import make_files; make_files(); "
    made = python(checkout, start + READ.format("idjag_demo"))
    assert made.split() == [each.split("=", 1)[1] for each in (checkout / "var" / "demo-secrets").read_text().split()]
    assert python(checkout, start + READ.format("idjag_demo")) == made


def made_in(directory: Path) -> DemoSecrets:
    directory.mkdir(exist_ok=True)
    make_demo_secrets(directory)
    return demo_secrets(directory)


def test_they_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first = made_in(tmp_path / "var")
    assert made_in(tmp_path / "var") == first
    assert stat.S_IMODE((tmp_path / "var" / "demo-secrets").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["demo-secrets"]


def test_two_checkouts_have_different_ones(tmp_path: Path) -> None:
    assert made_in(tmp_path / "a") != made_in(tmp_path / "b")


def test_until_they_are_made_there_are_none(tmp_path: Path) -> None:
    assert demo_secrets(tmp_path / "var") == DemoSecrets("", ())
    assert not list(tmp_path.iterdir())
