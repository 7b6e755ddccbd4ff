"""npm's oidc-provider, unmodified, as a company's IdP for both apps, with a token exchange registered in it.

Its defaults are a thin ID token (claims at UserInfo only) and no refresh token without prompt=consent.
"""

from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from base import issuers
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tenants.models import App, IdPConnection, SubjectTokens
from tests.strangers.company import (
    EMAIL,
    NAME,
    SECRET,
    SLUG,
    Company,
    Visitor,
    link_to_a_todo,
    redirect_uris,
    sign_out_uris,
)
from tests.support.node import Stranger

STRANGER = "oidc-provider"
SCRIPT = "oidc_provider.mjs"
SUB = "mía-山田-☃"
FULL_ID_TOKENS = {"conformIdTokenClaims": False}


def client(app: str, algorithm: str) -> dict[str, Any]:
    """Return the registration of `app` at the IdP."""
    return {
        "client_id": f"{app}0",
        "client_secret": SECRET,
        "redirect_uris": redirect_uris(app),
        "post_logout_redirect_uris": sign_out_uris(app),
        "id_token_signed_response_alg": algorithm,
    }


def company(script: Stranger, algorithm: str = "ES256", **configuration: Any) -> Company:
    """Start the IdP, whose policy is for Todo0, and connect it to both apps."""
    todo0 = ResourceApp.objects.get(key="todo0")
    issuer = script.ask(
        "start",
        clients=[client(app, algorithm) for app in App.values],
        people={SUB: {"name": NAME, "email": EMAIL, "email_verified": True}},
        policy={"audience": todo0.audience, "resource": todo0.resource, "clientIdThere": todo0.client_id},
        configuration=configuration,
    )
    acme = Company(issuer)
    for app in App.values:
        acme.connect(app, f"{app}0")
    return acme


def mia(acme: Company) -> Visitor:
    return Visitor(acme, login=SUB, password="any")


@pytest.mark.usefixtures("live_demo")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
@pytest.mark.clause("ID-JAG", "4.3", "a person of oidc-provider signs in to both apps and gets a card")
def test_a_person_of_oidc_provider_gets_a_card(script: Stranger, algorithm: str) -> None:
    acme = company(script, algorithm, **FULL_ID_TOKENS)
    visitor = mia(acme)
    for app in App.values:
        page = visitor.signs_in(app)
        assert (page.status, page.url.startswith(settings.ORIGINS[app])) == (200, True), page.text[:400]
        assert NAME in page.text
        assert (acme.account(app).sub, acme.account(app).email) == (SUB, EMAIL)
    answer = visitor.gets_a_card(link_to_a_todo(acme, "Water the plants"))
    assert answer["card"] and answer["card"]["title"] == "Water the plants", answer


@pytest.mark.usefixtures("live_demo")
@pytest.mark.clause("OIDC Core", "10.1.1", "oidc-provider's keys rotate between two sign-ins and two cards")
def test_new_keys_of_oidc_provider_are_found(script: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers.keys(), "_cool_down", 0)  # as if half a minute passes before the rotation
    acme = company(script, **FULL_ID_TOKENS)
    visitor = mia(acme)
    for app in App.values:
        visitor.signs_in(app)
    link = link_to_a_todo(acme, "Water the plants")
    assert visitor.gets_a_card(link)["card"]
    script.ask("rotateKeys")
    StoredAccessToken.objects.all().delete()
    again = mia(acme)
    assert again.signs_in("wiki").url.startswith(settings.ORIGINS["wiki"])
    assert again.gets_a_card(link)["card"]


@pytest.mark.usefixtures("live_demo")
@pytest.mark.clause("OIDC RP-Initiated Logout", "2", "a person of oidc-provider signs out there, too")
def test_a_person_of_oidc_provider_signs_out(script: Stranger) -> None:
    visitor = mia(company(script, **FULL_ID_TOKENS))
    page = visitor.signs_in("wiki")
    page = visitor.submit(next(form for form in page.forms if form.action.endswith("/sign-out")))
    page = visitor.get(page.links["Also sign out at your identity provider"])
    assert page.url.startswith(visitor.company.issuer), page.text[:400]
    page = visitor.submit(page.forms[0], logout="yes")
    assert page.url.partition("?")[0] == sign_out_uris("wiki")[0]
    page = visitor.get(f"{settings.ORIGINS['wiki']}{settings.LOGIN_URL}")
    page = visitor.submit(page.form_with("email"), email=EMAIL)
    assert page.form_with("password").fields["login"] == EMAIL  # its sign-in page, with our login_hint


@pytest.mark.usefixtures("live_demo")
@pytest.mark.clause("OIDC Core", "5.3", "oidc-provider's ID token is thin, so the name and the email are from UserInfo")
def test_a_person_with_a_thin_id_token_is_greeted_by_name(script: Stranger) -> None:
    acme = company(script)
    visitor = mia(acme)
    for app in App.values:
        assert NAME in visitor.signs_in(app).text
        assert (acme.account(app).sub, acme.account(app).email) == (SUB, EMAIL)
    answer = visitor.gets_a_card(link_to_a_todo(acme, "Water the plants"))
    assert answer["card"] and answer["card"]["title"] == "Water the plants", answer


@pytest.mark.usefixtures("live_demo")
@pytest.mark.clause("OIDC Core", "11", "oidc-provider gives a new refresh token each time")
def test_each_refresh_token_of_oidc_provider_is_used_once(script: Stranger) -> None:
    acme = company(script, **FULL_ID_TOKENS)
    IdPConnection.objects.filter(tenant__slug=SLUG).update(prompt="consent")
    visitor = mia(acme)
    for app in App.values:
        visitor.signs_in(app)
    link = link_to_a_todo(acme, "Water the plants")
    seen = {stored(acme).refresh_token}
    for count in (2, 3):
        SubjectTokens.objects.update(id_token_expires_at=timezone.now())
        StoredAccessToken.objects.all().delete()
        assert visitor.gets_a_card(link)["card"]
        seen.add(stored(acme).refresh_token)
        assert len(seen) == count


def stored(acme: Company) -> SubjectTokens:
    """Return what Wiki0 keeps of its sign-in."""
    return SubjectTokens.objects.get(user=acme.account(App.WIKI))
