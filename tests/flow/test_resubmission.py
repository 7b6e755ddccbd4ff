"""ID-JAG -04 section 4.4.3 against RFC 7523 section 3 (7): the connection decides how often an ID-JAG is good."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from audit.models import AuditEvent
from authserver.models import JWT_BEARER, AuthorizationServer
from crossapp.requesting_app.models import ResourceApp
from crossapp.resource_app.models import ConsumedJti
from idp.cross_app_policy import Permission
from idp.id_jag import LIFETIME, build_id_jag
from idp.subject_tokens import Subject
from tenants.models import IdPConnection, Realm, User
from tests.support.demo import Demo

SKEW = 30


@pytest.fixture
def id_jag(demo: Demo) -> str:
    """An ID-JAG of Bob for Todo0."""
    todo0 = ResourceApp.objects.get()
    bob = User.objects.get(realm=Realm.IDP, email="bob@tables.fake")
    return build_id_jag(
        server=AuthorizationServer.objects.get(tenant__slug="customer1"),
        subject=Subject(user=bob, auth_time=int(time.time())),
        permission=Permission(todo0.audience, todo0.resource, todo0.client_id, ("read",)),
    )[0]


def connection() -> IdPConnection:
    return IdPConnection.objects.get(tenant__slug="customer1", app="todo")


def redeem(id_jag: str) -> Any:
    todo0 = ResourceApp.objects.get()
    pair = base64.b64encode(f"{todo0.client_id}:{todo0.client_secret}".encode()).decode()
    body = f"grant_type={JWT_BEARER.replace(':', '%3A')}&assertion={id_jag}"
    headers = {"host": "todo.localhost:8000", "authorization": f"Basic {pair}"}
    return Browser().post("/oauth2/v1/token", body, content_type="application/x-www-form-urlencoded", headers=headers)


@pytest.mark.clause("RFC 7523", "3", "P1")
def test_an_id_jag_is_good_once_by_default(id_jag: str) -> None:
    assert connection().single_use is True
    assert redeem(id_jag).status_code == 200
    again = redeem(id_jag)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert again.json()["error_description"] == "The ID-JAG has been redeemed before. Get a new one from the IdP."


@pytest.mark.clause("ID-JAG", "4.4.3", "P1")
def test_where_resubmission_is_allowed_an_id_jag_is_redeemed_again_until_it_expires(
    id_jag: str,
    clock: Callable[[float], None],
) -> None:
    IdPConnection.objects.filter(pk=connection().pk).update(single_use=False)
    first, second = redeem(id_jag).json(), redeem(id_jag).json()
    assert first["access_token"] != second["access_token"]
    for answer in (first, second):
        headers = {"host": "todo.localhost:8000", "authorization": f"Bearer {answer['access_token']}"}
        assert Browser().get("/api/users/me", headers=headers).status_code == 200
    assert not ConsumedJti.objects.exists()
    rows = AuditEvent.objects.filter(act="redemption", outcome="done")
    assert (rows.count(), rows.values("jti").distinct().count()) == (2, 1), "the audit shows that it was the same one"
    clock(LIFETIME + SKEW + 1)
    expired = redeem(id_jag)
    assert (expired.status_code, expired.json()["error_description"]) == (400, "The ID-JAG has expired.")


@pytest.mark.clause("ID-JAG", "4.4.3", "P1")
def test_the_switch_is_one_connections_own_and_works_from_the_next_request_on(id_jag: str) -> None:
    IdPConnection.objects.exclude(pk=connection().pk).update(single_use=False)
    assert [redeem(id_jag).status_code for _ in range(2)] == [200, 400]
    IdPConnection.objects.filter(pk=connection().pk).update(single_use=False)
    assert redeem(id_jag).status_code == 200
    IdPConnection.objects.filter(pk=connection().pk).update(single_use=True)
    assert redeem(id_jag).status_code == 400
