"""How `make test` spreads the tests over processes."""

from xdist.scheduler import LoadScopeScheduling


class BrowserTestsTogether(LoadScopeScheduling):
    """Every test for itself, but those in a browser in one process: two browsers at once starve each other.

    xdist's own `--dist loadgroup` does not see the groups with this pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid
