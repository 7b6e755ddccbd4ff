"""The commands that the README promises."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    without_flags = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=without_flags | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_make_alone_prints_every_command() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    printed = make().stdout
    assert [target for target in targets if f"  make {target} " not in printed] == []


def test_demo_installs_migrates_seeds_and_serves_in_that_order(tmp_path: Path) -> None:
    commands = make("--dry-run", "demo", f"VENV={tmp_path / 'venv'}").stdout
    steps = ["-m venv", "pip install", "manage.py migrate", "manage.py seed", "manage.py runserver"]
    assert sorted(commands.index(step) for step in steps) == [commands.index(step) for step in steps]


def test_a_second_demo_installs_nothing(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "installed-requirements").touch()
    commands = make("--dry-run", "demo", f"VENV={tmp_path}").stdout
    assert "pip" not in commands
    assert "manage.py runserver" in commands


def test_a_python_that_is_too_old_is_said_in_one_line(tmp_path: Path) -> None:
    answer = make("demo", "PYTHON=", f"VENV={tmp_path / 'venv'}")
    assert answer.returncode != 0
    assert answer.stdout.startswith("This needs Python 3.11 or newer; found ")
    assert answer.stdout.count("\n") == 1


def test_a_python_without_venv_is_said_with_the_package_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    answer = make("demo", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert answer.returncode != 0
    assert "apt install python3-venv" in answer.stdout
    assert answer.stdout.count("\n") == 1


def test_the_tests_on_the_services_find_them_by_the_environment_or_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("bin/python", "installed-requirements", "installed-requirements-dev", "installed-requirements-mysql"):
        (tmp_path / name).touch()
    commands = make("--dry-run", "test-services", f"VENV={tmp_path}").stdout
    assert "pip" not in commands
    assert commands.index("-m tests.support.services") < commands.index("-m pytest")
    found = "${DATABASE_URL:-mysql://root@127.0.0.1:3306}", "${REDIS_URL:-redis://127.0.0.1:6379}"
    assert all(commands.count(url) == 2 for url in found)


def test_a_driver_that_cannot_be_built_is_said_with_the_packages_to_install(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("installed-requirements", "installed-requirements-dev"):
        (tmp_path / name).touch()
    python = tmp_path / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    answer = make("test-services", f"VENV={tmp_path}")
    assert answer.returncode != 0
    assert "apt install build-essential pkg-config python3-dev default-libmysqlclient-dev" in answer.stdout
    assert not (tmp_path / "installed-requirements-mysql").exists()
