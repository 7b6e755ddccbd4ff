"""What people and programs do most: each path prepares what it needs and returns the act itself."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.test import Client as HttpClient

from authserver.models import TOKEN_EXCHANGE
from crossapp.requesting_app.models import StoredAccessToken
from tenants.models import SubjectTokens, User
from tests.services.many_rows import A_JTI
from tests.support.commands import run
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.legs import (
    ID_JAG_TYPE,
    ID_TOKEN_TYPE,
    access_token_of,
    call,
    id_jag_of,
    idp_of,
    post_form,
    redeem,
)
from todo.models import Todo

BOB = "bob@tables.fake"
Act = Callable[[], None]
Path = Callable[[Demo], Act]


def _sign_in(app: str) -> Path:
    return lambda demo: lambda: _is(200, sign_in(demo.browser, app, BOB).status)


def _page(site: str, path: str = "/") -> Path:
    return lambda demo: lambda: _is(200, demo.browser.get(settings.ORIGINS[site] + path).status)


def _redemption(demo: Demo) -> Act:
    id_jag = id_jag_of(BOB)
    return lambda: _is(200, redeem(id_jag).status_code)


def _replay(demo: Demo) -> Act:
    id_jag = id_jag_of(BOB)
    redeem(id_jag)
    return lambda: _is(400, redeem(id_jag).status_code)


def _api_call(path: str) -> Path:
    def prepare(demo: Demo) -> Act:
        token, todo = access_token_of(BOB), Todo.objects.filter(owner__email=BOB)[0]
        return lambda: _is(200, call(token, path.format(todo=todo.pk)).status_code)

    return prepare


def _card(demo: Demo) -> Act:
    link = demo.link_to(BOB)
    return lambda: _is(True, bool(demo.unfurl([link])[0]["card"]))


def _first_card(demo: Demo) -> Act:
    StoredAccessToken.objects.filter(user__email=BOB).delete()
    return _card(demo)


def _wiki0_at_the_idp(path: str, form_of: Callable[[SubjectTokens], dict[str, str]], status: int = 200) -> Path:
    def prepare(demo: Demo) -> Act:
        tokens = SubjectTokens.objects.select_related("connection").get(user__email=BOB, user__realm="wiki")
        client, form = (tokens.connection.client_id, tokens.connection.client_secret), form_of(tokens)
        return lambda: _is(status, post_form(idp_of("customer1"), path, form, *client).status_code)

    return prepare


def _exchange(tokens: SubjectTokens) -> dict[str, str]:
    return {
        "grant_type": TOKEN_EXCHANGE,
        "requested_token_type": ID_JAG_TYPE,
        "subject_token": tokens.id_token,
        "subject_token_type": ID_TOKEN_TYPE,
        "audience": settings.ORIGINS["todo"],
    }


def _refresh(tokens: SubjectTokens) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}


def _token(tokens: SubjectTokens) -> dict[str, str]:
    return {"token": tokens.refresh_token}


def _events(**query: str) -> Path:
    def prepare(demo: Demo) -> Act:
        browser = HttpClient(headers={"host": "localhost:8000"})
        browser.force_login(User.objects.get(username="admin"), backend="tenants.passwords.RealmBackend")
        return lambda: _is(200, browser.get("/admin/audit/auditevent/", query).status_code)

    return prepare


def _sweep(demo: Demo) -> Act:
    return lambda: _is(True, "jtis" in run("sweep"))


def _is(expected: Any, found: Any) -> None:
    assert found == expected, f"{found}, not {expected}"


PATHS: dict[str, Path] = {
    "signing in to Wiki0": _sign_in("wiki"),
    "signing in to Todo0": _sign_in("todo"),
    "a token exchange": _wiki0_at_the_idp("/oauth2/v1/token", _exchange),
    "the redemption of an ID-JAG": _redemption,
    "an ID-JAG that comes twice": _replay,
    "a todo from the API": _api_call("/api/todos/{todo}"),
    "todos from the API": _api_call("/api/todos"),
    "open todos from the API": _api_call("/api/todos?completed=false"),
    "the todos of a page's links": _api_call("/api/todos?id={todo}&page_size=100"),
    "the first card": _first_card,
    "another card": _card,
    "the list of pages": _page("wiki", "/pages/"),
    "pages from the API": _page("wiki", "/api/articles"),
    "the debug console": _page("wiki", "/debug-console"),
    "the list of todos": _page("todo"),
    "the landing page": _page("staff"),
    "a refresh": _wiki0_at_the_idp("/oauth2/v1/token", _refresh),
    "a refresh token that comes twice": _wiki0_at_the_idp("/oauth2/v1/token", _refresh, 400),
    "an introspection": _wiki0_at_the_idp("/oauth2/v1/introspect", _token),
    "a revocation": _wiki0_at_the_idp("/oauth2/v1/revoke", _token),
    "the operator's list of events": _events(),
    "events of one kind": _events(act__exact="policy_change"),
    "refusals": _events(outcome__exact="refused"),
    "events of one tenant": _events(tenant="tenant7"),
    "events of one day": _events(at__gte="2001-01-01 00:00:00+00:00", at__lt="2001-01-02 00:00:00+00:00"),
    "events with one jti": _events(q=A_JTI),
    "the sweep": _sweep,
}
