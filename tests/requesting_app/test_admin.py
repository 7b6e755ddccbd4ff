"""What the operator sees and can do."""

from typing import Any

from django.contrib import admin
from django.test import Client

from crossapp.requesting_app.flow import access_token_for
from crossapp.requesting_app.models import Lease, ResourceApp, StoredAccessToken
from tests.requesting_app.peers import API, TODO, TODO_SECRET, World
from tests.support.encryption import encrypt_with

RESOURCE_APPS = "/admin/crossapp_requesting/resourceapp/"
TOKENS = "/admin/crossapp_requesting/storedaccesstoken/"
FORM = {
    "key": "todo0",
    "name": "Todo0",
    "audience": TODO,
    "resource": API,
    "client_id": "wiki0-at-todo0",
    "auth_method": "client_secret_basic",
    "scope": "read",
    "enabled": "on",
    "new_client_secret": "",
}


def test_a_secret_is_written_and_never_shown(operator: Client, todo0: ResourceApp) -> None:
    for path in (RESOURCE_APPS, f"{RESOURCE_APPS}{todo0.pk}/change/"):
        response = operator.get(path)
        assert response.status_code == 200
        assert TODO_SECRET not in response.content.decode()


def test_an_empty_secret_keeps_the_one_there_is_and_another_replaces_it(operator: Client, todo0: ResourceApp) -> None:
    path = f"{RESOURCE_APPS}{todo0.pk}/change/"
    assert operator.post(path, FORM | {"name": "Todo Zero"}).status_code == 302
    todo0.refresh_from_db()
    assert (todo0.name, todo0.scope, todo0.client_secret) == ("Todo Zero", "read", TODO_SECRET)

    assert operator.post(path, FORM | {"new_client_secret": "new"}).status_code == 302
    todo0.refresh_from_db()
    assert todo0.client_secret == "new"


def test_a_new_resource_app_needs_a_secret(operator: Client) -> None:
    response = operator.post(f"{RESOURCE_APPS}add/", FORM)
    assert "A new resource app needs a client secret." in response.content.decode()

    assert operator.post(f"{RESOURCE_APPS}add/", FORM | {"new_client_secret": "new"}).status_code == 302
    assert ResourceApp.objects.get().client_secret == "new"


def test_a_secret_that_no_key_opens_can_be_replaced(operator: Client, todo0: ResourceApp, settings: Any) -> None:
    encrypt_with(settings, ["b3RoZXIta2V5LW9mLXRoZS10ZXN0cy0zMi1ieXRlcy0="])
    path = f"{RESOURCE_APPS}{todo0.pk}/change/"
    assert operator.get(path).status_code == 200
    assert operator.post(path, FORM | {"new_client_secret": "new"}).status_code == 302
    assert ResourceApp.objects.get().client_secret == "new"


def test_stored_tokens_are_listed_without_their_values_and_cannot_be_changed(
    operator: Client, world: World, bob: Any, todo0: ResourceApp
) -> None:
    value = access_token_for(user=bob, resource_app=todo0).value
    token = StoredAccessToken.objects.get()
    for path in (TOKENS, f"{TOKENS}{token.pk}/change/"):
        response = operator.get(path)
        assert response.status_code == 200
        assert "bob" in response.content.decode()
        assert value not in response.content.decode()
    assert operator.get(f"{TOKENS}add/").status_code == 403
    assert operator.post(f"{TOKENS}{token.pk}/change/", {"scope": "admin"}).status_code == 403
    assert operator.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not StoredAccessToken.objects.exists()


def test_leases_are_not_in_the_admin() -> None:
    assert not admin.site.is_registered(Lease)
