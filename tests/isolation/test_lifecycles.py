"""People and clients that leave, move, are replaced or come in crowds: what they may do at the next step."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.core.cache import cache
from django.test import Client as Browser

from authserver.access_tokens import sign
from authserver.models import AuthorizationServer
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from idp.id_jag import TYP
from tenants.models import Realm, Tenant, User
from tests.support.commands import run_json
from tests.support.demo import Demo
from tests.support.embedded_idp import CALLBACK, VERIFIER, EmbeddedIdP
from tests.support.in_process import sign_in
from tests.support.legs import access_token_of, call, id_jag_of, is_refused, redeem
from tests.support.limits import SetLimit
from todo.models import Todo
from wiki.models import Article

BOB, JOHN, TRINITY = "bob@tables.fake", "john@tables.fake2", "trinity@whiterabbit.fake"


def deactivate(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


@pytest.mark.clause("RFC 6749", "4.1.2", "MT-18")
def test_a_person_switched_off_at_the_idp_signs_in_nowhere(idp: EmbeddedIdP, bob: User) -> None:
    form = {"email": BOB, "password": "avocado"}
    assert Browser(headers={"host": idp.host}).post("/sign-in", form).status_code == 302
    deactivate(bob)
    assert Browser(headers={"host": idp.host}).post("/sign-in", form).status_code == 400


@pytest.mark.clause("RFC 6749", "4.1.2", "MT-18")
def test_a_person_switched_off_at_the_idp_gets_no_code_and_a_code_from_before_brings_nothing(
    signed_in: EmbeddedIdP, bob: User
) -> None:
    def redeem_code(code: str) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return signed_in.token(form)

    assert redeem_code(signed_in.code()).status_code == 200
    code = signed_in.code()
    deactivate(bob)
    assert is_refused(redeem_code(code), "invalid_grant")
    answer = signed_in.authorize()
    assert "code" not in parse_qs(urlsplit(answer.headers.get("Location", "")).query)
    assert "/sign-in" in answer["Location"]


@pytest.mark.clause("RFC 6749", "6", "MT-18")
def test_a_person_switched_off_at_the_idp_has_no_refresh_no_id_jag_and_no_userinfo(
    signed_in: EmbeddedIdP, bob: User
) -> None:
    tokens = signed_in.tokens()
    assert signed_in.exchange(tokens["id_token"]).status_code == 200
    assert call(tokens["access_token"], "/oauth2/v1/userinfo", at=signed_in.host).status_code == 200
    deactivate(bob)
    assert is_refused(signed_in.exchange(tokens["id_token"]), "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert is_refused(signed_in.token(form), "invalid_grant")
    assert call(tokens["access_token"], "/oauth2/v1/userinfo", at=signed_in.host).status_code == 401


@pytest.mark.clause("ID-JAG", "6", "MT-18")
def test_an_access_token_of_a_person_switched_off_at_the_idp_lives_no_longer_than_it_would(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    answer = redeem(id_jag_of(BOB)).json()
    User.objects.filter(realm=Realm.IDP, email=BOB).update(is_active=False)
    assert answer["expires_in"] <= 3600 and "refresh_token" not in answer
    assert call(answer["access_token"]).status_code == 200, (
        "Todo0 is another vendor and hears of it with the next ID-JAG"
    )
    StoredAccessToken.objects.all().delete()
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "sign_in_again"


@pytest.mark.clause("lifecycle", "", "MT-20")
def test_a_person_who_moves_to_another_tenant_leaves_everything_behind(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    token, wiki = access_token_of(BOB), demo.browser.client("http://wiki.localhost:8000")
    colleagues = Article.objects.get(author__email=TRINITY)
    page = {"path": f"/pages/{colleagues.pk}", "headers": {"host": "wiki.localhost:8000"}}
    assert wiki.get(**page).status_code == 200
    User.objects.filter(email=BOB).update(tenant=Tenant.objects.get(slug="customer2"))
    assert wiki.get(**page).status_code == 302, "the session has ended: the other tenant has another IdP"
    assert wiki.get("/api/users/me", headers={"host": "wiki.localhost:8000"}).status_code == 401
    User.objects.filter(realm="todo", email=BOB).update(is_active=False)
    assert call(token).status_code == 401


@pytest.mark.clause("lifecycle", "", "MT-20")
def test_a_person_who_changes_the_tenant_is_a_new_person_there(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    token, before = access_token_of(BOB), set(User.objects.filter(email=BOB).values_list("pk", flat=True))
    User.objects.filter(email=BOB).delete()
    assert call(token).status_code == 401
    tenant = Tenant.objects.get(slug="customer2")
    tenant.email_domains.create(domain="moved.fake")
    new = User(username="idp:customer2:bob", realm=Realm.IDP, tenant=tenant, email="bob@moved.fake")
    new.set_password("avocado")
    new.save()
    demo.browser.clients.clear()
    sign_in(demo.browser, "wiki", "bob@moved.fake")
    demo.browser.clients.clear()
    sign_in(demo.browser, "todo", "bob@moved.fake")
    accounts = User.objects.filter(email="bob@moved.fake")
    assert {(user.tenant_id, user.pk in before) for user in accounts} == {(tenant.pk, False)}
    assert not Todo.objects.filter(owner__in=accounts).exists()
    demo.browser.clients.clear()
    sign_in(demo.browser, "wiki", "bob@moved.fake")
    assert demo.unfurl([demo.link_to(TRINITY)])[0]["reason"]["code"] == "not_found"


@pytest.mark.clause("OIDC Core", "5.7", "MT-21")
def test_a_reassigned_subject_inherits_nothing(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    token, link = access_token_of(BOB), demo.link_to(BOB)
    person = User.objects.get(realm=Realm.IDP, email=BOB)
    sub, tenant = person.sub, person.tenant
    User.objects.filter(sub=sub).delete()
    eve = User(username="eve", realm=Realm.IDP, tenant=tenant, sub=sub, email="eve@tables.fake")
    eve.set_password("avocado")
    eve.save()
    assert call(token).status_code == 401
    demo.browser.clients.clear()
    sign_in(demo.browser, "wiki", "eve@tables.fake")
    assert demo.unfurl([link])[0]["reason"]["code"] == "not_found"
    accounts = User.objects.filter(sub=sub)
    assert set(accounts.values_list("realm", "email")) == {
        (realm, "eve@tables.fake") for realm in ("idp", "wiki", "todo")
    }
    assert not Todo.objects.filter(owner__in=accounts).exists()
    assert not Article.objects.filter(author__in=accounts).exists()
    assert call(access_token_of("eve@tables.fake")).json() == {"items": [], "count": 0}


@pytest.mark.clause("lifecycle", "", "MT-21")
def test_a_directory_gives_no_subject_twice(demo: Demo) -> None:
    tenant = Tenant.objects.get(slug="customer1")
    subs = {
        User.objects.create(username=f"p{number}", realm=Realm.IDP, tenant=tenant, email=f"p{number}@tables.fake").sub
        for number in range(20)
    }
    assert len(subs) == 20 and not any(str(sub).isdecimal() or len(str(sub)) < 16 for sub in subs)


@pytest.mark.clause("RFC 6749", "2.3.1", "MT-22")
def test_a_new_secret_is_good_at_once_and_the_old_one_never_again(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    new = "a-secret-that-was-made-by-a-machine-0123456789"
    old = ResourceApp.objects.get().client_secret
    assert redeem(id_jag_of(BOB), secret=old).status_code == 200
    run_json("createclient", "--at", "todo", "--client-id", "wiki0-at-todo0", "--client-secret", new)
    id_jag = id_jag_of(BOB)
    assert is_refused(redeem(id_jag, secret=old), "invalid_client", 401)
    assert redeem(id_jag, secret=new).status_code == 200
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"] is None
    resource_app = ResourceApp.objects.get()
    resource_app.client_secret = new
    resource_app.save()
    cache.clear()
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]


@pytest.mark.clause("ID-JAG", "3.1", "MT-26")
def test_very_many_new_people_are_let_in_no_faster_than_their_client_may_ask(demo: Demo, set_limit: SetLimit) -> None:
    sign_in(demo.browser, "wiki", BOB)
    claims = jwt.decode(id_jag_of(BOB), options={"verify_signature": False})
    server = AuthorizationServer.objects.get(tenant__slug="customer1")
    before = User.objects.count()
    set_limit("CLIENT", "5/minute")

    def of_stranger(number: int) -> str:
        stranger = {"sub": f"stranger{number}", "jti": f"jti{number}", "email": f"stranger{number}@tables.fake"}
        return sign(server, claims | stranger, typ=TYP)

    statuses = [redeem(of_stranger(number)).status_code for number in range(20)]
    assert statuses == [200] * 5 + [429] * 15
    assert User.objects.count() == before + 5
    new = User.objects.filter(sub__startswith="stranger")
    assert set(new.values_list("realm", "tenant__slug", "is_staff")) == {("todo", "customer1", False)}


@pytest.mark.clause("ID-JAG", "4.4.1", "MT-17")
def test_a_connection_for_sign_in_only_brings_no_tokens_and_ends_those_there_are(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    token, id_jag = access_token_of(BOB), id_jag_of(BOB)
    assert call(token).status_code == 200
    run_json("connectidp", "--tenant", "customer1", "--app", "todo", "--no-id-jags")
    assert is_refused(redeem(id_jag), "invalid_grant")
    assert call(token).status_code == 401
    sign_in(demo.browser, "todo", BOB)
    run_json("connectidp", "--tenant", "customer1", "--app", "todo", "--id-jags")
    assert redeem(id_jag).status_code == 200
