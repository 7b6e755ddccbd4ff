"""The table of checks in the README is the list that runs."""

import re
from pathlib import Path

import crossapp.resource_app
from crossapp.core.id_jag import CHECKS

README = Path(crossapp.resource_app.__file__).with_name("README.md").read_text()


def test_the_readme_lists_the_checks_in_their_order() -> None:
    names = re.findall(r"^\| \d+ \| `(\w+)` \|", README, flags=re.MULTILINE)
    before = ["request", "authorization_details", "dpop", "client", "grant_type", "jws"]
    after = ["subject", "scope", "resource", "cnf", "authorization_details", "replay"]
    assert names == [*before, *(check.name for check in CHECKS), *after]
