"""OpenID Connect Core section 10.1.1: keys change, with a clock that the tests move."""

import base64
import re
from datetime import datetime, timedelta
from types import SimpleNamespace

import jwt
import pytest
from django.core.management import CommandError
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings

from audit.models import AuditEvent
from authserver.access_tokens import sign
from authserver.key_rotation import JWKS_LIFETIME, SKEW, Rotation, longest_token_lifetime, rotate
from authserver.models import JWT_BEARER, AuthorizationServer, Client, SigningKey
from base import issuers
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from idp.cross_app_policy import Permission
from idp.id_jag import LIFETIME, build_id_jag
from idp.subject_tokens import Subject
from tenants.models import IdPConnection, Realm, User
from tests.support.commands import run, run_json
from tests.support.demo import Demo
from tests.support.embedded_idp import EmbeddedIdP
from tests.support.in_process import Browser as Walker
from tests.support.in_process import sign_in

NEXT, ACTIVE, RETIRED = SigningKey.Status.NEXT, SigningKey.Status.ACTIVE, SigningKey.Status.RETIRED
BOB = "bob@tables.fake"
A_MOMENT = timedelta(seconds=1)


def published_at(server: AuthorizationServer) -> datetime:
    return server.signing_keys.get(status=NEXT).created_at


def rotate_twice(server: AuthorizationServer) -> Rotation:
    """Publish a next key and let it become active when it is due; return that second run."""
    rotate(server, now=server.signing_keys.get().created_at)
    return rotate(server, now=published_at(server) + JWKS_LIFETIME)


@pytest.mark.clause("OIDC Core", "10.1.1", "OP-51")
def test_the_first_run_only_publishes_a_next_key(idp: EmbeddedIdP) -> None:
    old = idp.server.signing_keys.get()
    rotation = rotate(idp.server, now=old.created_at)
    assert (rotation.active, rotation.activated, rotation.retired, rotation.deleted) == (old.kid, "", (), ())
    new = idp.server.signing_keys.get(status=NEXT)
    assert rotation.next == new.kid
    assert rotation.due_at == new.created_at + JWKS_LIFETIME
    keys = idp.browser.get("/oauth2/v1/keys").json()["keys"]
    assert {key["kid"] for key in keys} == {old.kid, new.kid}
    assert jwt.get_unverified_header(sign(idp.server, {}, typ="JWT"))["kid"] == old.kid


@pytest.mark.clause("RFC 9111", "5.2.2.1", "OP-49 OP-51")
def test_a_key_signs_only_after_every_cached_key_set_has_it(idp: EmbeddedIdP) -> None:
    rotate(idp.server, now=idp.server.signing_keys.get().created_at)
    assert f"max-age={JWKS_LIFETIME.seconds}" in idp.browser.get("/oauth2/v1/keys")["Cache-Control"]
    due = published_at(idp.server) + JWKS_LIFETIME
    assert rotate(idp.server, now=due - A_MOMENT).activated == ""
    assert rotate(idp.server, now=due).activated


@pytest.mark.clause("OIDC Core", "10.1.1", "OP-51")
def test_the_old_key_is_retired_and_goes_on_verifying(signed_in: EmbeddedIdP, id_token: str) -> None:
    old = signed_in.server.signing_keys.get()
    rotation = rotate_twice(signed_in.server)
    assert rotation.retired == (old.kid,)
    id_jag = signed_in.exchange(id_token).json()["access_token"]
    assert jwt.get_unverified_header(id_token)["kid"] == old.kid
    assert jwt.get_unverified_header(id_jag)["kid"] == rotation.active == rotation.activated
    assert old.kid in {key["kid"] for key in signed_in.browser.get("/oauth2/v1/keys").json()["keys"]}


@pytest.mark.clause("OIDC Core", "10.1.1", "OP-51")
def test_a_retired_key_is_deleted_when_nothing_it_signed_can_be_alive(idp: EmbeddedIdP) -> None:
    old = idp.server.signing_keys.get()
    rotate_twice(idp.server)
    old.refresh_from_db()
    assert old.retired_at
    spent = old.retired_at + longest_token_lifetime() + SKEW
    assert rotate(idp.server, now=spent).deleted == ()
    assert rotate(idp.server, now=spent + A_MOMENT).deleted == (old.kid,)
    assert not SigningKey.objects.filter(kid=old.kid).exists()


def test_no_token_outlives_the_key_that_verifies_it(settings: Settings) -> None:
    lifetimes = [settings.OAUTH2_PROVIDER[f"{kind}_EXPIRE_SECONDS"] for kind in ("ACCESS_TOKEN", "ID_TOKEN")]
    assert longest_token_lifetime() >= timedelta(seconds=max(LIFETIME, *lifetimes))


def test_however_often_it_runs_there_is_one_active_and_one_next_key(idp: EmbeddedIdP) -> None:
    now = idp.server.signing_keys.get().created_at
    for minutes in range(0, 180, 7):
        for _ in range(2):
            rotate(idp.server, now=now + timedelta(minutes=minutes), at_once=minutes % 3 == 0)
            states = list(idp.server.signing_keys.values_list("status", flat=True))
            assert (states.count(ACTIVE), states.count(NEXT)) == (1, 1)
    assert idp.server.signing_keys.filter(status=RETIRED).count() < 30


@pytest.mark.parametrize("found", [(), (ACTIVE, ACTIVE), (RETIRED,), (NEXT, NEXT)])
def test_a_server_without_exactly_one_active_key_gets_one(idp: EmbeddedIdP, found: tuple[str, ...]) -> None:
    idp.server.signing_keys.all().delete()
    for status in found:
        SigningKey.generate(idp.server, status)
    rotate(idp.server, now=timezone.now())
    assert idp.server.signing_keys.filter(status=ACTIVE).count() == 1
    assert sign(idp.server, {}, typ="JWT")


def test_no_key_is_named_like_an_option_of_a_command(idp: EmbeddedIdP, monkeypatch: pytest.MonkeyPatch) -> None:
    thumbprints = iter(["-abc", "-d", "e-f"])
    jwk = SimpleNamespace(thumbprint=lambda: next(thumbprints))
    monkeypatch.setattr("authserver.models.JWK", SimpleNamespace(from_pyca=lambda key: jwk))
    key = SigningKey.generate(idp.server)
    assert (key.kid, list(thumbprints)) == ("e-f", [])


def header_of(server: AuthorizationServer) -> tuple[str, str]:
    """Return the algorithm and the key identifier of what `server` signs, verified with its published key set."""
    token = sign(server, {"aud": "x"}, typ="JWT")
    keys = Browser(headers={"host": server.issuer.removeprefix("http://")}).get("/oauth2/v1/keys").json()["keys"]
    header = jwt.get_unverified_header(token)
    [key] = [key for key in keys if key["kid"] == header["kid"]]
    assert jwt.decode(token, jwt.PyJWK(key), algorithms=[key["alg"]], audience="x")
    return header["alg"], header["kid"]


@pytest.mark.clause("RFC 9068", "2.1", "an app signs with ES256, an IdP with RS256")
def test_an_idp_signs_with_rs256_and_an_app_with_es256_whatever_rotates(demo: Demo) -> None:
    for realm, algorithm in ((Realm.IDP, "RS256"), (Realm.TODO, "ES256"), (Realm.WIKI, "ES256")):
        server = AuthorizationServer.objects.filter(realm=realm)[0]
        before = header_of(server)
        rotate_twice(server)
        after = header_of(server)
        assert (before[0], after[0]) == (algorithm, algorithm)
        assert before[1] != after[1]


@pytest.mark.clause("RFC 9068", "2.1", "RS256 is among the supported algorithms")
def test_the_operator_chooses_rs256_for_an_app_and_it_stays_chosen(demo: Demo) -> None:
    todo = AuthorizationServer.objects.get(realm=Realm.TODO)
    run("rotatekeys", "--at", "todo")
    published = todo.signing_keys.get(status=NEXT)
    run("rotatekeys", "--at", "todo", "--algorithm", "RS256")
    assert not SigningKey.objects.filter(pk=published.pk).exists(), "it has signed nothing"
    assert [key.algorithm for key in todo.signing_keys.order_by("created_at")] == ["ES256", "RS256"]
    assert header_of(todo)[0] == "ES256", "not before every verifier knows the new key"
    for _ in range(2):
        run("rotatekeys", "--at", "todo", "--now")
        assert header_of(todo)[0] == "RS256"
    chosen = todo.signing_keys.get(status=NEXT).kid
    run("rotatekeys", "--at", "todo", "--algorithm", "RS256")
    assert todo.signing_keys.get(status=NEXT).kid == chosen, "which is one for RS256 already"


@pytest.mark.parametrize("which", ["all", "next"])
@pytest.mark.clause("RFC 9068", "2.1", "RS256 is among the supported algorithms")
def test_what_was_chosen_outlives_the_keys_that_are_withdrawn(demo: Demo, which: str) -> None:
    todo = AuthorizationServer.objects.get(realm=Realm.TODO)
    run("rotatekeys", "--at", "todo", "--algorithm", "RS256")
    run(
        "rotatekeys", "--at", "todo", "--withdraw", todo.signing_keys.get(status=NEXT).kid if which == "next" else "all"
    )
    assert todo.signing_keys.get(status=NEXT).algorithm == "RS256"
    assert header_of(todo)[0] == ("ES256" if which == "next" else "RS256")


@pytest.mark.parametrize("at", ["customer1", "all"])
def test_an_idp_is_not_told_to_sign_with_es256(idp: EmbeddedIdP, at: str) -> None:
    with pytest.raises(CommandError, match=r"^An IdP signs with RS256: --algorithm ES256 is for todo or wiki\.$"):
        run("rotatekeys", "--at", at, "--algorithm", "ES256")
    with pytest.raises(ValueError, match="RS256"):
        SigningKey.generate(idp.server, algorithm="ES256")
    assert idp.server.signing_keys.count() == 1


def test_a_rotation_is_one_servers_own(idp: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    before = set(other_idp.server.signing_keys.values_list("kid", "status"))
    run("rotatekeys", "--at", "customer1", "--now")
    assert set(other_idp.server.signing_keys.values_list("kid", "status")) == before
    assert idp.server.signing_keys.filter(status=RETIRED).count() == 1


def test_the_command_says_what_it_did(idp: EmbeddedIdP) -> None:
    old = idp.server.signing_keys.get()
    assert f"{old.kid} stays active" in run("rotatekeys", "--at", "customer1")
    text = run("rotatekeys", "--at", "customer1", "--now")
    assert re.findall(r"(\S+) is now active", text) == [idp.server.signing_keys.get(status=ACTIVE).kid]
    assert f"{old.kid} is retired" in text
    facts = run_json("rotatekeys", "--at", "customer1")["servers"]
    assert [server["issuer"] for server in facts] == [idp.server.issuer]
    assert facts[0]["active"] == idp.server.signing_keys.get(status=ACTIVE).kid
    assert "PRIVATE KEY" not in text


def test_all_means_every_server(idp: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    issuers = [server["issuer"] for server in run_json("rotatekeys", "--at", "all")["servers"]]
    assert issuers == [idp.server.issuer, other_idp.server.issuer]


@pytest.mark.parametrize("name", ["nobody", "", "staff", "idp"])
def test_a_server_that_is_not_there_is_said_to_be_missing(idp: EmbeddedIdP, name: str) -> None:
    with pytest.raises(CommandError, match="No authorization server is called"):
        run("rotatekeys", "--at", name)


# --- with the resource side ----------------------------------------------------------------------------------------


def new_id_jag(server: AuthorizationServer) -> str:
    """Return an ID-JAG of Bob for Todo0, signed with the key that is active now."""
    todo0 = ResourceApp.objects.get()
    permission = Permission(todo0.audience, todo0.resource, todo0.client_id, ("read",))
    subject = Subject(user=User.objects.get(realm=Realm.IDP, email=BOB), auth_time=1)
    return build_id_jag(server=server, subject=subject, permission=permission)[0]


def redeem(id_jag: str) -> HttpResponse:
    todo0 = ResourceApp.objects.get()
    pair = base64.b64encode(f"{todo0.client_id}:{todo0.client_secret}".encode()).decode()
    body = f"grant_type={JWT_BEARER.replace(':', '%3A')}&assertion={id_jag}"
    headers = {"host": "todo.localhost:8000", "authorization": f"Basic {pair}"}
    return Browser().post("/oauth2/v1/token", body, content_type="application/x-www-form-urlencoded", headers=headers)


@pytest.fixture
def customer1(demo: Demo) -> AuthorizationServer:
    assert Client.objects.filter(client_id="wiki0-at-todo0").exists()
    return AuthorizationServer.objects.get(tenant__slug="customer1")


@pytest.mark.clause("OIDC Core", "10.1.1", "OP-51")
def test_a_rotation_in_time_needs_no_further_fetch(demo: Demo, customer1: AuthorizationServer) -> None:
    rotate(customer1, now=customer1.signing_keys.get().created_at)
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    fetched = len(demo.network.to("/oauth2/v1/keys"))
    assert rotate(customer1, now=published_at(customer1) + JWKS_LIFETIME).activated
    StoredAccessToken.objects.all().delete()
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    assert len(demo.network.to("/oauth2/v1/keys")) == fetched


@pytest.mark.clause("RFC 8725", "3.10", "OP-51")
def test_an_unknown_key_is_fetched_once(
    demo: Demo, customer1: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers.keys(), "_cool_down", 0)  # no half minute to wait
    assert redeem(new_id_jag(customer1)).status_code == 200
    fetched = len(demo.network.to("/oauth2/v1/keys"))
    rotate(customer1, now=customer1.signing_keys.get().created_at, at_once=True)
    for _ in range(2):
        assert redeem(new_id_jag(customer1)).status_code == 200
    assert len(demo.network.to("/oauth2/v1/keys")) == fetched + 1


@pytest.mark.clause("OIDC Core", "10.1.1", "OP-51")
def test_what_a_retired_key_signed_is_still_redeemed(demo: Demo, customer1: AuthorizationServer) -> None:
    id_jag = new_id_jag(customer1)
    rotate(customer1, now=customer1.signing_keys.get().created_at, at_once=True)
    assert redeem(id_jag).status_code == 200


# --- a key has leaked ----------------------------------------------------------------------------------------------


def published(idp: EmbeddedIdP) -> set[str]:
    return {key["kid"] for key in idp.browser.get("/oauth2/v1/keys").json()["keys"]}


@pytest.mark.clause("OIDC Core", "10.1.1", "MT-23")
def test_a_withdrawn_active_key_is_gone_at_once_and_the_next_one_signs(signed_in: EmbeddedIdP, id_token: str) -> None:
    rotate(signed_in.server, now=signed_in.server.signing_keys.get().created_at)
    leaked, following = (signed_in.server.signing_keys.get(status=status).kid for status in (ACTIVE, NEXT))
    [facts] = run_json("rotatekeys", "--at", "customer1", "--withdraw", leaked)["servers"]
    assert (facts["withdrawn"], facts["activated"], facts["active"]) == ([leaked], following, following)
    assert published(signed_in) == {following, facts["next"]}
    assert jwt.get_unverified_header(sign(signed_in.server, {}, typ="JWT"))["kid"] == following
    refused = signed_in.exchange(id_token)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refused.json()["error_description"] == "The subject token is not signed by this server."


def test_a_withdrawn_retired_or_next_key_leaves_the_active_one(idp: EmbeddedIdP) -> None:
    rotation = rotate_twice(idp.server)
    retired, following = rotation.retired[0], rotation.next
    [facts] = run_json("rotatekeys", "--at", "customer1", "--withdraw", retired, "--withdraw", following)["servers"]
    assert (set(facts["withdrawn"]), facts["active"]) == ({retired, following}, rotation.active)
    assert published(idp) == {rotation.active, facts["next"]}


def test_all_keys_of_a_server_are_withdrawn_if_one_cannot_tell(idp: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    rotation, others = rotate_twice(idp.server), published(other_idp)
    [facts] = run_json("rotatekeys", "--at", "customer1", "--withdraw", "all")["servers"]
    assert set(facts["withdrawn"]) == {rotation.active, rotation.next, *rotation.retired}
    assert published(idp) == {facts["active"], facts["next"]}
    assert not published(idp) & set(facts["withdrawn"])
    assert published(other_idp) == others


@pytest.mark.clause("RFC 7009", "2", "MT-23")
def test_the_access_tokens_of_a_withdrawn_keys_time_expire_and_refresh_tokens_do_not(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP
) -> None:
    tokens = signed_in.tokens()

    def userinfo(token: str) -> int:
        return signed_in.browser.get("/oauth2/v1/userinfo", headers={"authorization": f"Bearer {token}"}).status_code

    assert userinfo(tokens["access_token"]) == 200
    run("rotatekeys", "--at", "customer2", "--withdraw", "all")
    assert userinfo(tokens["access_token"]) == 200
    run("rotatekeys", "--at", "customer1", "--withdraw", "all")
    assert userinfo(tokens["access_token"]) == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = signed_in.token(refresh).json()
    assert userinfo(renewed["access_token"]) == 200
    assert signed_in.exchange(renewed["id_token"]).status_code == 200


def test_access_tokens_from_another_keys_time_live_on(signed_in: EmbeddedIdP) -> None:
    rotation = rotate(signed_in.server, now=timezone.now(), at_once=True)
    token = signed_in.tokens()["access_token"]
    run("rotatekeys", "--at", "customer1", "--withdraw", rotation.retired[0], "--withdraw", rotation.next)
    headers = {"authorization": f"Bearer {token}"}
    assert signed_in.browser.get("/oauth2/v1/userinfo", headers=headers).status_code == 200


def test_what_is_withdrawn_is_said_and_recorded(idp: EmbeddedIdP) -> None:
    leaked = idp.server.signing_keys.get().kid
    text = run("rotatekeys", "--at", "customer1", "--withdraw", leaked)
    assert f"{leaked} is withdrawn: its signatures are refused" in text
    assert "PRIVATE KEY" not in text
    [event] = AuditEvent.objects.filter(act="key_change", target__contains=leaked, detail="deleted")
    assert event.tenant == "customer1"


def test_a_key_that_is_not_there_is_not_withdrawn_and_nothing_is_changed(
    idp: EmbeddedIdP, other_idp: EmbeddedIdP
) -> None:
    before = list(SigningKey.objects.values())
    kid, others = idp.server.signing_keys.get().kid, other_idp.server.signing_keys.get().kid
    for named in ("unknown", others):
        with pytest.raises(CommandError) as refusal:
            run("rotatekeys", "--at", "customer1", "--withdraw", named)
        assert str(refusal.value) == f"Unknown key {named}. The keys are: {kid}."
    with pytest.raises(CommandError, match="not allowed with"):
        run("rotatekeys", "--at", "customer1", "--withdraw", kid, "--now")
    assert list(SigningKey.objects.values()) == before


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_what_a_withdrawn_key_signed_is_refused_at_the_resource_side_from_the_next_request_on(
    demo: Demo, customer1: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.models.idp_connections.KEYS_SETTLE", timedelta(0))
    first, second = (new_id_jag(customer1) for _ in range(2))
    assert redeem(first).status_code == 200
    run("rotatekeys", "--at", "customer1", "--withdraw", customer1.signing_keys.get().kid)
    refused = redeem(second)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refused.json()["error_description"].startswith("The issuer publishes no usable key")
    fetched = len(demo.network.to("/oauth2/v1/keys"))
    assert [redeem(new_id_jag(customer1)).status_code for _ in range(3)] == [200] * 3
    assert len(demo.network.to("/oauth2/v1/keys")) == fetched, "the new key set is kept"


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_key_sets_fetched_while_a_key_is_being_withdrawn_are_not_kept(
    demo: Demo, customer1: AuthorizationServer
) -> None:
    run("rotatekeys", "--at", "customer1", "--withdraw", customer1.signing_keys.get().kid)
    for connection in IdPConnection.objects.filter(issuer=customer1.issuer):
        assert connection.keys_fetched_since
        assert connection.keys_fetched_since > timezone.now()
    fetched = len(demo.network.to("/oauth2/v1/keys"))
    assert [redeem(new_id_jag(customer1)).status_code for _ in range(2)] == [200] * 2
    assert len(demo.network.to("/oauth2/v1/keys")) == fetched + 2


@pytest.mark.clause("OIDC Core", "3.1.3.7", "MT-23")
def test_an_id_token_signed_by_a_withdrawn_key_is_refused_at_sign_in(
    demo: Demo, customer1: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(demo.browser, "wiki", BOB)  # its keys are known now
    leaked = customer1.signing_keys.get()
    run("rotatekeys", "--at", "customer1", "--withdraw", leaked.kid)
    sign_in(Walker(), "todo", BOB)
    monkeypatch.setattr(AuthorizationServer, "active_key", lambda server: leaked)  # the thief too
    page = Walker().sign_in("todo", BOB)
    assert (page.status, "sent an invalid answer" in page.text) == (502, True)


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_the_operator_says_that_another_idp_has_withdrawn_a_key(demo: Demo, customer1: AuthorizationServer) -> None:
    first, second = (new_id_jag(customer1) for _ in range(2))
    assert redeem(first).status_code == 200
    leaked = customer1.signing_keys.get()
    SigningKey.generate(customer1, ACTIVE)
    leaked.delete()  # at an IdP that is not ours
    browser = Browser(headers={"host": "localhost:8000"})
    browser.force_login(User.objects.get(username="admin"), backend="tenants.passwords.RealmBackend")
    chosen = IdPConnection.objects.get(tenant__slug="customer1", app="todo").pk
    data = {"action": "fetch_keys_anew", "_selected_action": [chosen]}
    page = browser.post("/admin/tenants/idpconnection/", data, follow=True)
    assert "whose keys are fetched again: 1." in page.content.decode()
    assert redeem(second).status_code == 400
    assert redeem(new_id_jag(customer1)).status_code == 200
