"""What is in the database, and what is not."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from crossapp.requesting_app import stored_tokens
from crossapp.requesting_app.flow import access_token_for, call_api
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tests.requesting_app.conftest import make_todo0
from tests.requesting_app.peers import TODO_SECRET, World, redeemed, sign_in
from tests.support.encryption import encrypt_with

OTHER_KEY = "b3RoZXIta2V5LW9mLXRoZS10ZXN0cy0zMi1ieXRlcy0="


def dump() -> str:
    """Return everything in the tables of this app, as the database has it."""
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for model in apps.get_app_config("crossapp_requesting").get_models():
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")  # noqa: S608
            rows += cursor.fetchall()
    return repr(rows)


@pytest.mark.clause("requirements.md", "CL-37, CL-38", "no ID-JAG is stored, and no token or secret in clear")
def test_the_database_holds_the_access_token_encrypted_and_nothing_else(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    sign_in(bob, seconds=1)
    world.next["jwt_bearer"] = [(200, redeemed(access_token="canary-access", refresh_token="canary-refresh"))]
    call_api(user=bob, resource_app=todo0, method="GET", path="/todos")

    assert StoredAccessToken.objects.get().access_token == "canary-access"
    text = dump()
    assert "wiki0-at-todo0" in text
    assert "canary" not in text
    assert TODO_SECRET not in text
    assert not re.search(r"eyJ[\w-]+\.eyJ", text)
    fields = {field.name for field in StoredAccessToken._meta.get_fields()}
    assert fields == {"id", "user", "resource_app", "sealed_access_token", "scope", "expires_at"}


@pytest.mark.clause("requirements.md", "CL-36", "a row that no key opens counts as none")
def test_a_stored_token_that_no_key_opens_is_replaced(
    world: World, bob: Any, todo0: ResourceApp, settings: Any
) -> None:
    access_token_for(user=bob, resource_app=todo0)
    encrypt_with(settings, [OTHER_KEY])

    token = access_token_for(user=bob, resource_app=todo0)

    assert world.kinds().count("token_exchange") == 2
    assert StoredAccessToken.objects.get().access_token == token.value


@pytest.mark.parametrize("copied_to", ["another user", "another resource app"])
@pytest.mark.clause("OWASP ASVS", "11.3.3", "SEC-04")
def test_a_token_copied_into_another_row_is_none(world: World, bob: Any, todo0: ResourceApp, copied_to: str) -> None:
    john = get_user_model().objects.create_user("john")
    sign_in(john)
    token = access_token_for(user=bob, resource_app=todo0)
    sealed = StoredAccessToken.objects.get().sealed_access_token
    user, resource_app = (john, todo0) if copied_to == "another user" else (bob, make_todo0(key="copy"))
    world.next["jwt_bearer"] = [(200, redeemed(access_token="of-this-row"))]
    assert access_token_for(user=user, resource_app=resource_app).value == "of-this-row"
    rows = StoredAccessToken.objects.filter(user=user, resource_app=resource_app)
    rows.update(sealed_access_token=sealed)

    assert token.value in sealed  # control: the key opens it
    assert stored_tokens.usable(user, resource_app) is None


def test_there_is_one_token_for_each_user_and_resource_app(bob: Any, todo0: ResourceApp, world: World) -> None:
    access_token_for(user=bob, resource_app=todo0)
    token = StoredAccessToken.objects.get()
    with pytest.raises(IntegrityError):
        StoredAccessToken.objects.create(
            user=bob, resource_app=todo0, access_token="x", scope="", expires_at=token.expires_at
        )


def test_a_token_that_is_gone_already_is_dropped_in_peace(world: World, bob: Any, todo0: ResourceApp) -> None:
    def lose_token(kind: str) -> None:
        if kind == "api":
            StoredAccessToken.objects.all().delete()

    world.before_answering = lose_token
    world.next["api"] = [(401, b"")]

    assert call_api(user=bob, resource_app=todo0, method="GET", path="/todos").status == 200


@pytest.mark.parametrize("name", ["audience", "resource"])
def test_a_resource_app_needs_addresses_that_secrets_may_go_to(db: None, name: str) -> None:
    resource_app = make_todo0()
    resource_app.full_clean()

    setattr(resource_app, name, "http://todo.example")
    with pytest.raises(ValidationError) as caught:
        resource_app.full_clean()
    assert list(caught.value.message_dict) == [name]
