"""The npm packages that tests run: each pinned with its hash, from the public registry and no other host."""

import json
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(__file__).resolve().parents[1] / "strangers" / "node"
LOCK = json.loads((FOLDER / "package-lock.json").read_text())
PACKAGES = {path: package for path, package in LOCK["packages"].items() if path}


def test_every_package_is_pinned_with_its_hash() -> None:
    assert [path for path, package in PACKAGES.items() if not package["integrity"].startswith("sha512-")] == []


def test_no_package_comes_from_another_registry() -> None:
    addresses = [package["resolved"] for package in PACKAGES.values() if "resolved" in package]
    assert {urlsplit(address).hostname for address in addresses} <= {"registry.npmjs.org"}


def test_every_direct_dependency_is_one_version() -> None:
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert wanted == {name: PACKAGES[f"node_modules/{name}"]["version"] for name in wanted}


def test_no_package_runs_a_script_when_it_is_installed() -> None:
    assert [path for path, package in PACKAGES.items() if package.get("hasInstallScript")] == []
