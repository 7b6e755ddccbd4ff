"""npm's better-auth, unmodified, as a company's OpenID Provider for Wiki0: for sign-in, as it issues no ID-JAG.

Its issuer has a path. It registers no http redirect URI of a web app, and of a native one only at the loopback address
itself, so Wiki0 is at 127.0.0.1 here.
"""

import pytest
from pytest_django import Settings

from idjag_demo.demo.move import follow_addresses
from tests.strangers.company import EMAIL, NAME, Company, Visitor, redirect_uris, sign_out_uris
from tests.support.kept_rows import forget_rows
from tests.support.node import Stranger

STRANGER = "better-auth"
SCRIPT = "better_auth.mjs"
PASSWORD = "avocado-avocado"


@pytest.fixture
def wiki(live_demo: dict[str, str], settings: Settings) -> str:
    """Wiki0's origin at the loopback address."""
    settings.ORIGINS = live_demo | {"wiki": live_demo["wiki"].replace("wiki.localhost", "127.0.0.1")}
    settings.ALLOWED_HOSTS = ["127.0.0.1", *settings.ALLOWED_HOSTS]
    follow_addresses()
    forget_rows()
    return str(settings.ORIGINS["wiki"])


@pytest.fixture
def mia(script: Stranger, wiki: str) -> tuple[Visitor, str]:
    """Mía, and her subject at the IdP, to which Wiki0 is connected."""
    provider = script.ask("start", person={"email": EMAIL, "name": NAME, "password": PASSWORD})
    client = script.ask(
        "register",
        application_type="native",
        token_endpoint_auth_method="client_secret_basic",
        grant_types=["authorization_code", "refresh_token"],
        redirect_uris=redirect_uris("wiki"),
        post_logout_redirect_uris=sign_out_uris("wiki"),
    )
    acme = Company(provider["issuer"])
    acme.connect("wiki", client["client_id"], secret=client["client_secret"])
    return Visitor(acme, email=EMAIL, password=PASSWORD), provider["subject"]


@pytest.mark.clause("OIDC Core", "3.1.3", "a person of better-auth signs in, and again without a password")
def test_a_person_of_better_auth_signs_in(mia: tuple[Visitor, str], wiki: str) -> None:
    visitor, subject = mia
    page = visitor.signs_in("wiki")
    assert (page.status, page.url.startswith(wiki)) == (200, True), page.text[:400]
    assert visitor.company.account("wiki").sub == subject
    visitor.login = {}
    assert visitor.signs_in("wiki").url.startswith(wiki)


@pytest.mark.clause("OIDC Core", "5.3", "better-auth's ID token is thin, so the name and the email are from UserInfo")
def test_a_person_of_better_auth_is_greeted_by_name(mia: tuple[Visitor, str]) -> None:
    visitor, _ = mia
    assert NAME in visitor.signs_in("wiki").text
    assert visitor.company.account("wiki").email == EMAIL
