"""Both APIs, called as their own OpenAPI documents say and as they do not: by session, by token, without either."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis
from django.conf import settings
from django.test import Client as Browser
from django.urls import set_urlconf
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as examples
from ninja import NinjaAPI
from oauth2_provider.models import get_access_token_model, set_token_value
from schemathesis import GenerationMode

from authserver.models import AuthorizationServer, Client
from crossapp.requesting_app.flow import access_token_for
from crossapp.requesting_app.models import ResourceApp
from idjag_demo.demo.seed import seed
from tenants.models import Realm, User
from tests.conformance.strategies import SETTINGS
from tests.support.in_process import Browser as Walker
from tests.support.in_process import sign_in

BOB = "bob@tables.fake"
FEW = examples(max_examples=8, **SETTINGS)


@contextmanager
def override_urlconf(urlconf: str) -> Iterator[None]:
    set_urlconf(urlconf)
    yield
    set_urlconf(None)


def api_of(app: str) -> NinjaAPI:
    from todo.api import api as todo
    from wiki.api import api as wiki

    return {"todo": todo, "wiki": wiki}[app]


@pytest.fixture(params=["session", "bearer", "anonymous"])
def caller(request: pytest.FixtureRequest, walker: Walker, app: str) -> Browser:
    """Bob at one of the apps, or an anonymous client."""
    seed()
    browser = Browser()
    if request.param == "session":
        browser.force_login(User.objects.get(realm=Realm(app), email=BOB), backend="tenants.passwords.RealmBackend")
    elif request.param == "bearer" and app == "wiki":
        browser.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token_for_wiki0()}"
    elif request.param == "bearer":
        sign_in(walker, "wiki", BOB)
        user = User.objects.get(realm=Realm.WIKI, email=BOB)
        token = access_token_for(user=user, resource_app=ResourceApp.objects.get(key="todo0"))
        browser.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token.value}"
    return browser


def token_for_wiki0() -> str:
    """Return an access token of Bob for Wiki0's API, which no client of the demo asks for."""
    server = AuthorizationServer.objects.get(realm=Realm.WIKI)
    client, _ = Client.register(server=server, client_id="agent0-at-wiki0", scope="read write")
    row = get_access_token_model()(
        user=User.objects.get(realm=Realm.WIKI, email=BOB),
        application=client,
        scope="read write",
        resource=[server.resource],
        expires=timezone.now() + timedelta(hours=1),
    )
    set_token_value(row, "a-token-for-wiki0")
    row.save()
    return "a-token-for-wiki0"


def send(browser: Browser, case: Any, origin: str) -> Any:
    """Send what schemathesis made up, as `requests` would write it."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=origin)).prepare()
    headers = {name: value for name, value in prepared.headers.items() if name.lower() not in ("content-type", "host")}
    return browser.generic(
        str(prepared.method),
        str(prepared.path_url),
        prepared.body or b"",
        content_type=prepared.headers.get("Content-Type", ""),
        headers={**headers, "host": origin.removeprefix("http://")},
    )


@pytest.mark.parametrize("app", ["todo", "wiki"])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as documented", "otherwise"])
@pytest.mark.clause("RFC 9110", "15.6", "property: nothing sent to an API makes it answer 500")
def test_no_call_of_an_api_ends_in_a_server_error(app: str, mode: GenerationMode, caller: Browser) -> None:
    with override_urlconf(f"idjag_demo.urls.{app}"):
        schema = schemathesis.openapi.from_dict(dict(api_of(app).get_openapi_schema()))
    origin, sent = settings.ORIGINS[app], 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            nonlocal sent
            response = send(caller, case, origin)
            sent += 1
            assert response.status_code < 500, (case, response.content)
            if response.status_code >= 400:
                assert response.json()["error"]

        run()
    assert sent
