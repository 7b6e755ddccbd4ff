"""Two customers of one multi-tenant IdP, with one client there and two people of one subject: they never meet."""

import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from audit.models import Act, AuditEvent
from base.outgoing import session
from crossapp.core.jws import parse_jws
from crossapp.requesting_app.models import StoredAccessToken
from tenants.models import IdPConnection, User
from tests.support.demo import Demo
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER, FakeIdp, Reply, id_token_claims, json_reply, sign
from tests.support.kept_rows import forget_rows
from tests.support.legs import ID_JAG_TYPE

BOB, JOHN = "bob@tables.fake", "john@tables.fake2"
TENANTS = {"customer1": BOB, "customer2": JOHN}


class SharedIdp(FakeIdp):
    """One issuer for all tenants. It names the person's tenant in the claim `tid` of ID tokens and ID-JAGs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.replies["/token"] = self._tokens

    def _tokens(self) -> Reply:
        form = {name: value for name, (value,) in parse_qs(str(self.received[-1].body)).items()}
        if form["grant_type"] == "authorization_code":
            return json_reply({"id_token": sign(self.claims), **self.token_response})
        about = parse_jws(form["subject_token"]).unverified_payload
        claims = {name: about[name] for name in ("iss", "sub", "tid", "email", "email_verified") if name in about}
        claims |= {"aud": form["audience"], "resource": form["resource"], "scope": form["scope"]}
        claims |= {"client_id": "wiki0-at-todo0", "jti": secrets.token_hex(8), "iat": int(time.time())}
        id_jag = sign(claims | {"exp": claims["iat"] + 300}, typ="oauth-id-jag+jwt")
        return json_reply({"access_token": id_jag, "token_type": "N_A", "issued_token_type": ID_JAG_TYPE})


@pytest.fixture
def idp(demo: Demo) -> SharedIdp:
    """The IdP of both customers, at both apps."""
    for connection in IdPConnection.objects.filter(tenant__slug__in=TENANTS):
        connection.issuer, connection.client_id, connection.client_secret = ISSUER, CLIENT_ID, CLIENT_SECRET
        connection.tenant_claim, connection.tenant_value = "tid", connection.tenant.slug.upper()
        connection.full_clean()
        connection.save()
    forget_rows()
    idp = SharedIdp()
    session().mount(ISSUER, idp)
    return idp


def sign_in(demo: Demo, idp: SharedIdp, slug: str, **changes: Any) -> User | None:
    """Sign the customer's person in to Wiki0 in a new browser; all have the subject `u-1`."""
    demo.browser.clients.clear()
    page = demo.browser.get("http://wiki.localhost:8000/sign-in")
    page = demo.browser.submit(page.form_with("email"), email=TENANTS[slug])
    query = {name: value for name, (value,) in parse_qs(urlsplit(page.url).query).items()}
    about = {"sub": "u-1", "email": TENANTS[slug], "tid": slug.upper(), "nonce": query["nonce"]}
    idp.claims = id_token_claims(**about | changes)
    answer = {"code": "the-code", "state": query["state"], "iss": ISSUER}
    demo.browser.get(f"{query['redirect_uri']}?{urlencode(answer)}")
    signed_in = demo.browser.client("http://wiki.localhost:8000").session.get("_auth_user_id")
    return User.objects.filter(pk=signed_in).first()


def cards(demo: Demo) -> list[bool]:
    """Return for Bob's todo and for John's whether the link is a card."""
    found = demo.unfurl([demo.link_to(BOB), demo.link_to(JOHN)])
    return [card["card"] is not None for card in found]


@pytest.mark.clause("ID-JAG", "6.1, 6.3", "MT-34: (iss, tenant, sub) everywhere, up to the card")
def test_people_of_one_subject_at_two_tenants_of_one_issuer_never_meet(demo: Demo, idp: SharedIdp) -> None:
    seen = {}
    for slug, shown in (("customer1", [True, False]), ("customer2", [False, True]), ("customer1", [True, False])):
        user = seen[slug] = sign_in(demo, idp, slug)
        assert user is not None
        assert (user.tenant.slug, user.sub, user.email) == (slug, "u-1", TENANTS[slug])  # type: ignore[union-attr]
        assert cards(demo) == shown, slug
        assert AuditEvent.objects.filter(act=Act.REDEMPTION).latest("pk").tenant == slug
    assert User.objects.filter(issuer=ISSUER, sub="u-1").count() == 4  # two people at two apps
    owners = {token.user_id for token in StoredAccessToken.objects.all()}
    assert owners == {user.pk for user in seen.values() if user}


@pytest.mark.clause("ID-JAG", "6.3", "MT-34: nor where no email links them")
def test_people_without_an_email_never_meet(demo: Demo, idp: SharedIdp) -> None:
    accounts = []
    for slug in TENANTS:
        accounts.append(sign_in(demo, idp, slug, email=None))
        assert cards(demo) == [False, False]
    assert len({account.pk for account in accounts if account}) == 2
    at_todo0 = User.objects.filter(realm="todo", issuer=ISSUER, sub="u-1").order_by("pk")
    assert list(at_todo0.values_list("tenant__slug", flat=True)) == list(TENANTS)


@pytest.mark.parametrize("tid", ["CUSTOMER2", "customer1", None])
@pytest.mark.clause("ID-JAG", "6.1", "MT-34: a claim that is missing or another tenant's is refused")
def test_a_sign_in_of_another_tenant_of_the_issuer_is_refused(demo: Demo, idp: SharedIdp, tid: str | None) -> None:
    assert sign_in(demo, idp, "customer1", tid=tid) is None
    assert not User.objects.filter(issuer=ISSUER).exists()
    assert sign_in(demo, idp, "customer1")


@pytest.mark.clause("ID-JAG", "6.1", "MT-34: tenants that are not told apart get no cards")
def test_no_card_is_shown_while_the_tenants_are_not_told_apart_at_the_resource_app(demo: Demo, idp: SharedIdp) -> None:
    assert sign_in(demo, idp, "customer1")
    at_todo0 = IdPConnection.objects.filter(tenant__slug="customer2", app="todo")
    at_todo0.update(tenant_claim="hd")
    forget_rows()
    assert cards(demo) == [False, False]
    row = AuditEvent.objects.filter(act=Act.REDEMPTION).latest("pk")
    assert (row.outcome, row.failed_check) == ("refused", "iss")
    assert "customer1, customer2" in row.detail
    assert not User.objects.filter(realm="todo", issuer=ISSUER).exists()
