"""The demo's content as `fixtures/` holds it: what lists it reads it here and asks no database."""

import json
from functools import cache
from typing import Any, NamedTuple

from idjag_demo.environment import BASE_DIR

FIXTURES = BASE_DIR / "fixtures"
NAMES = ("tenants", "people", "todos", "pages")
"""In the order in which they are loaded: a row comes after those it names."""


class Organisation(NamedTuple):
    """A tenant of the demo, and the addresses of the people in its directory."""

    slug: str
    name: str
    emails: list[str]


@cache
def organisations() -> list[Organisation]:
    """Return the tenants of the demo in the order of `fixtures/tenants.json`."""
    people = accounts("idp")
    return [
        Organisation(slug, tenant["name"], [person["email"] for person in people if person["tenant"] == [slug]])
        for tenant in _rows("tenants", "tenants.tenant")
        for slug in [tenant["slug"]]
    ]


def accounts(realm: str) -> list[dict[str, Any]]:
    """Return the fields of the accounts that `fixtures/people.json` has in `realm`."""
    return [account for account in _rows("people", "tenants.user") if account["realm"] == realm]


def _rows(name: str, model: str) -> list[dict[str, Any]]:
    rows = json.loads((FIXTURES / f"{name}.json").read_text())
    return [row["fields"] for row in rows if row["model"] == model]
