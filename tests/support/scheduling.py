"""How `make test` spreads the tests over processes."""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    "tests/browser/",  # two browsers at once starve each other
    "tests/services/",  # a full database is made once
    "tests/topology/",  # so are two processes behind a proxy
)


class FoldersTogether(LoadScopeScheduling):
    """Every test for itself, but those of some folders in one process.

    xdist's own `--dist loadgroup` does not see the groups with this pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)
