"""How often a person, or a token, may ask an app."""

from typing import Any

import pytest
from django.test import Client

from idjag_demo.demo.seed import seed
from tenants.models import Realm, User
from tests.support.limits import SetLimit

WIKI = {"host": "wiki.localhost:8000"}


@pytest.fixture
def people(db: None) -> tuple[Client, Client]:
    """Two people signed in at Wiki0."""
    seed()
    tenant = User.objects.filter(realm=Realm.IDP).order_by("pk")[0].tenant
    browsers = []
    for name in ("bob", "trinity"):
        user = User.objects.create(username=f"wiki:{name}", realm=Realm.WIKI, tenant=tenant, sub=f"limits-{name}")
        browser = Client(headers=WIKI)
        browser.force_login(user, backend="tenants.passwords.RealmBackend")
        browsers.append(browser)
    return browsers[0], browsers[1]


def refused(response: Any) -> bool:
    if response.status_code != 429:
        return False
    assert response["Content-Type"] == "application/json"
    assert int(response["Retry-After"]) > 0
    assert set(response.json()) == {"error", "error_description"}
    return True


@pytest.mark.clause("RFC 6585", "4", "RS-29")
def test_the_api_puts_one_person_off_and_no_other(people: tuple[Client, Client], set_limit: SetLimit) -> None:
    set_limit("API", "3/minute")
    bob, trinity = people
    assert [refused(bob.get("/api/users/me")) for _ in range(4)] == [False] * 3 + [True]
    assert trinity.get("/api/users/me").status_code == 200


@pytest.mark.clause("RFC 6585", "4", "UF-33")
def test_cards_are_limited_by_person(people: tuple[Client, Client], set_limit: SetLimit) -> None:
    set_limit("UNFURL", "2/minute")
    bob, trinity = people
    ask = {"data": {"urls": ["https://example.com/"]}, "content_type": "application/json"}
    answers = [bob.post("/api/articles/unfurl", **ask) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refused(answers[2])
    assert trinity.post("/api/articles/unfurl", **ask).status_code == 200
    assert bob.get("/api/users/me").status_code == 200


@pytest.mark.parametrize("email", ["bob@tables.fake", "nobody@tables.fake", "nobody@nowhere.example", "no address"])
@pytest.mark.clause("RFC 6585", "4", "RP-36 RP-35")
def test_the_email_step_is_limited_by_address(db: None, set_limit: SetLimit, email: str) -> None:
    set_limit("EMAIL_STEP", "3/minute")

    def step(app: str = "wiki", address: str = "192.0.2.1") -> Any:
        browser = Client(headers={"host": f"{app}.localhost:8000"}, REMOTE_ADDR=address)
        return browser.post("/sign-in", {"email": email})

    answers = [step() for _ in range(4)]
    assert [answer.status_code == 429 for answer in answers] == [False] * 3 + [True]
    assert int(answers[3]["Retry-After"]) > 0
    assert "Too many attempts. Please try again in" in answers[3].content.decode()
    assert step(address="192.0.2.2").status_code != 429
    assert step("todo").status_code != 429
