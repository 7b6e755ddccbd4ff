"""The admin compares a resource app with its authorization server before it saves, outside the transaction."""

from typing import Any

import pytest
import requests
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from crossapp.requesting_app.models import ResourceApp
from tests.requesting_app.peers import TODO, World, metadata_of
from tests.requesting_app.test_admin import FORM, RESOURCE_APPS

COMPLETE = metadata_of(TODO) | {
    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    "grant_types_supported": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
    "authorization_grant_profiles_supported": ["urn:ietf:params:oauth:grant-profile:id-jag"],
}


def change(operator: Client, todo0: ResourceApp, **changes: Any) -> HttpResponse:
    form = {name: value for name, value in (FORM | {"name": "Renamed"} | changes).items() if value is not None}
    return operator.post(f"{RESOURCE_APPS}{todo0.pk}/change/", form)


def messages_of(response: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.django_db(transaction=True)
def test_the_server_is_asked_while_no_transaction_is_open(operator: Client, world: World, todo0: ResourceApp) -> None:
    states: list[bool] = []
    world.always["metadata"] = (200, COMPLETE)
    world.before_answering = lambda kind: states.append(connection.in_atomic_block)
    answer = change(operator, todo0)
    assert (answer.status_code, states) == (302, [False])
    assert len(messages_of(answer)) == 1  # that it is saved
    assert ResourceApp.objects.get().name == "Renamed"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {}), "oauth-authorization-server answered 404"),
        ((503, {}), "was answered with 503"),
        (requests.ReadTimeout(), "does not answer"),
        ((200, metadata_of(f"{TODO}/")), "the metadata say issuer"),
    ],
    ids=["no metadata", "down", "timeout", "another spelling"],
)
def test_a_server_without_usable_metadata_is_not_saved(
    operator: Client, world: World, todo0: ResourceApp, answer: Any, why: str
) -> None:
    world.always["metadata"] = answer
    page = change(operator, todo0)
    assert page.status_code == 200
    assert why in " ".join(page.context["adminform"].form.errors["audience"])
    assert 'value="Renamed"' in page.content.decode()
    assert ResourceApp.objects.get().name == "Todo0"


def test_a_disabled_one_is_saved_and_its_server_not_asked(operator: Client, world: World, todo0: ResourceApp) -> None:
    assert change(operator, todo0, enabled=None).status_code == 302
    assert (ResourceApp.objects.get().enabled, world.sent) == (False, [])


@pytest.mark.clause("RFC 8414", "2", "token_endpoint_auth_methods_supported of a resource app's server")
def test_a_method_that_the_server_does_not_take_is_an_error_at_its_field(
    operator: Client, world: World, todo0: ResourceApp
) -> None:
    world.always["metadata"] = (200, COMPLETE | {"token_endpoint_auth_methods_supported": ["client_secret_post"]})
    page = change(operator, todo0)
    assert page.context["adminform"].form.errors["auth_method"] == [
        "client authentication: expected client_secret_basic, found client_secret_post. Use client_secret_post."
    ]
    assert change(operator, todo0, auth_method="client_secret_post").status_code == 302


@pytest.mark.parametrize(
    ("member", "name"),
    [("grant_types_supported", "jwt-bearer grant"), ("authorization_grant_profiles_supported", "ID-JAG")],
)
@pytest.mark.parametrize("offered", [["authorization_code"], None], ids=["another", "absent"])
@pytest.mark.clause("ID-JAG", "7.2", "the profile and the grant of a resource authorization server are compared")
def test_what_the_server_does_not_offer_is_told_after_it_is_saved(
    operator: Client, world: World, todo0: ResourceApp, member: str, name: str, offered: list[str] | None
) -> None:
    world.always["metadata"] = (200, COMPLETE | {member: offered})
    answer = change(operator, todo0)
    assert answer.status_code == 302
    (told,) = [text for text in messages_of(answer) if text.startswith("Renamed: ")]
    assert told.startswith(f"Renamed: {name}: expected urn:ietf:params:oauth:")
    assert told.endswith("ask its operator, if it refuses them.")
