"""The mutation check: every mutant of the modules below must make a test fail. `make mutation` runs it.

Nothing is changed in place: each worker has a copy of the tree, its own database and runs the module's own tests with
`-x`. A mutant whose tests run out of time counts as not run. The figures go to `tests/mutation/figures.json`, which
`docs/conformance.md` quotes.
"""

import argparse
import fnmatch
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "tests" / "mutation" / "figures.json"
_RESOURCE_TESTS = tuple(
    f"tests/resource_app/test_{name}.py" for name in ("id_jag", "jwt_bearer_grant", "when_the_sweep_fails", "signals")
)
_IDP_TESTS = tuple(
    f"tests/idp/test_{name}.py"
    for name in ("token_exchange", "cross_app_policy", "what_is_not_supported", "signing_out_ends_grants", "id_jag")
)
TESTS = {
    "crossapp/core/claims.py": ("tests/resource_app/test_claims.py",),
    "crossapp/core/id_jag.py": _RESOURCE_TESTS,
    "crossapp/core/id_jag_checks.py": _RESOURCE_TESTS,
    "crossapp/resource_app/jwt_bearer_grant.py": _RESOURCE_TESTS,
    "idp/token_exchange_grant.py": _IDP_TESTS,
    "idp/subject_tokens.py": _IDP_TESTS,
    "idp/cross_app_policy.py": _IDP_TESTS,
}
_LEFT_OUT = shutil.ignore_patterns(".*", "var", "__pycache__", "docs", "static", "browser", "test-results")
_OPTIONS = ("-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--reuse-db")


class Tree:
    """A copy of the project in which one worker breaks one module at a time."""

    def __init__(self, root: Path, *, seconds: float) -> None:
        self.root, self.seconds = root, seconds
        shutil.copytree(ROOT, root, ignore=_LEFT_OUT)
        for path in root.rglob("*.py"):  # by hash: a mutant has the size and often the second of what it replaces
            py_compile.compile(str(path), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)

    def passes(self, tests: tuple[str, ...]) -> bool | None:
        """Say whether all of `tests` pass here; None if they run out of time."""
        command = [sys.executable, "-m", "pytest", *_OPTIONS, *tests]
        environment = os.environ | {"TEST_DB": f"{self.root}.sqlite3"}
        try:
            done = subprocess.run(
                command, cwd=self.root, env=environment, capture_output=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        return done.returncode == 0

    def survives(self, mutant: Mutant) -> bool | None:
        """Say whether no test notices `mutant`; None if the tests run out of time."""
        path = self.root / mutant.path
        original = path.read_text()
        path.write_text(mutant.source)
        try:
            return self.passes(TESTS[mutant.path])
        finally:
            path.write_text(original)


def survivors_of(mutants: list[Mutant], trees: list[Tree], *, until: float) -> tuple[list[Mutant], list[Mutant]]:
    """Return the mutants that no test noticed, and those there was no time for."""
    free: SimpleQueue[Tree] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def fate(mutant: Mutant) -> str:
        if time.monotonic() > until:
            return "not run"
        tree = free.get()
        try:
            survives = tree.survives(mutant)
        finally:
            free.put(tree)
        if survives:
            _say(f"survived: {mutant.path}:{mutant.line}: {mutant.change}")
        return {True: "survived", False: "found", None: "not run"}[survives]

    with ThreadPoolExecutor(len(trees)) as pool:
        fates = list(pool.map(fate, mutants))
    survived, not_run = (
        [mutant for mutant, how in zip(mutants, fates, strict=True) if how == what] for what in ("survived", "not run")
    )
    return survived, not_run


def main() -> int:
    """Run the check; return 0 if there were no survivors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=list(TESTS), help="only these (default: all)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60, help="start no mutant after so many minutes")
    parser.add_argument("--write", action="store_true", help="write the figures of the modules run to figures.json")
    options = parser.parse_args()
    modules = [name for name in TESTS if any(fnmatch.fnmatch(name, f"*{given}") for given in options.modules)]
    until = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory() as scratch:
        trees = [Tree(Path(scratch) / str(number), seconds=180) for number in range(options.workers)]
        red = [tests for tests in sorted({TESTS[name] for name in modules}) if not trees[0].passes(tests)]
        if red:
            _say(f"These fail without any mutant: {red}")
            return 2
        mutants = [mutant for name in modules for mutant in mutants_of(name, (trees[0].root / name).read_text())]
        survived, not_run = survivors_of(mutants, trees, until=until)
    _report(modules, mutants, survived, not_run, write=options.write)
    return 1 if survived or not_run else 0


def _report(
    modules: list[str], mutants: list[Mutant], survived: list[Mutant], not_run: list[Mutant], *, write: bool
) -> None:
    made, left, skipped = (Counter(mutant.path for mutant in group) for group in (mutants, survived, not_run))
    figures = {
        name: {
            "mutants": made[name],
            "found": made[name] - left[name] - skipped[name],
            "not run": skipped[name],
            "survived": [f"line {mutant.line}: {mutant.change}" for mutant in survived if mutant.path == name],
        }
        for name in modules
    }
    for name, figure in figures.items():
        _say(f"{name}: {figure['found']} of {figure['mutants']} found, {skipped[name]} not run")
    if write:
        known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        FIGURES.write_text(json.dumps(dict(sorted((known | figures).items())), indent=2, ensure_ascii=False) + "\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
