"""The shape of a token request: one form by POST, nothing twice, a grant that this server offers."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from oauth2_provider.models import get_access_token_model

from audit.models import AuditEvent
from authserver.models import JWT_BEARER, TOKEN_EXCHANGE
from crossapp.resource_app.models import ConsumedJti
from tests.redemption.conftest import FORM, TokenEndpoint
from tests.resource_app.fakes import CLIENT_ID, CLIENT_SECRET, basic

FORM_ONLY = "The body must be application/x-www-form-urlencoded."
NOT_IN_THE_URL = "Send parameters in the body, not in the URL."
POST_ONLY = "The method must be POST."
NO_GRANT_TYPE = "The parameter grant_type is missing."
NOT_OFFERED = "This authorization server does not offer that grant type."


def assert_refused_unread(response: HttpResponse, error: str, description: str, act: str) -> None:
    """Check the refusal of a request that no grant has seen."""
    assert (response.status_code, response.json()) == (400, {"error": error, "error_description": description})
    assert response["Content-Type"] == "application/json"
    assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
    assert "WWW-Authenticate" not in response
    assert not ConsumedJti.objects.exists()
    assert not get_access_token_model().objects.exists()
    row = AuditEvent.objects.get(act=act)
    assert (row.outcome, row.error, row.failed_check) == ("refused", error, "request")


@pytest.mark.parametrize("assertion", ["", None], ids=["empty", "absent"])
@pytest.mark.clause("RFC 7523", "2.1", "assertion is required")
def test_a_request_without_an_assertion_is_refused(todo0: TokenEndpoint, assertion: str | None) -> None:
    form = {"grant_type": JWT_BEARER} | ({} if assertion is None else {"assertion": assertion})
    response = todo0.send(urlencode(form))
    todo0.assert_refused(response, "invalid_request", "The parameter 'assertion' is missing.", "request")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize(
    "name", ["assertion", "scope", "client_id", "client_secret", "grant_type", "unknown", "client_assertion"]
)
@pytest.mark.parametrize("same", [True, False], ids=["the same twice", "two values"])
@pytest.mark.clause("RFC 6749", "3.2", "parameters are not repeated")
def test_a_repeated_parameter_is_refused(todo0: TokenEndpoint, name: str, same: bool) -> None:
    value = {"assertion": todo0.mint(), "grant_type": JWT_BEARER, "client_id": CLIENT_ID}.get(name, "read")
    response = todo0.redeem(**{name: [value, value if same else "x"]})
    description = f"The parameter {name} is repeated."
    act = "token_request" if (name, same) == ("grant_type", False) else "redemption"
    assert_refused_unread(response, "invalid_request", description, act)
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("RFC 8707", "2", "resource may be repeated")
def test_resource_may_be_repeated(todo0: TokenEndpoint) -> None:
    todo0.assert_redeemed(todo0.redeem(resource=[todo0.server.resource] * 2))


@pytest.mark.parametrize("parameters", [{"scope": "", "resource": ""}, {"x": "1", "state": "s"}, {"audience": "x"}])
@pytest.mark.clause("RFC 6749", "3.2", "unrecognized parameters are ignored, empty ones are as if omitted")
def test_unknown_and_empty_parameters_are_ignored(todo0: TokenEndpoint, parameters: dict[str, str]) -> None:
    todo0.assert_redeemed(todo0.redeem(**parameters))


@pytest.mark.parametrize(
    "name",
    ["client", "user", "scopes", "extra_credentials", "claims", "http_method", "expires_in", "id_token", "X_SERVER"],
)
@pytest.mark.clause("RFC 6749", "3.2", "unrecognized parameters are ignored, whatever our libraries call theirs")
def test_a_parameter_named_like_an_internal_is_ignored(todo0: TokenEndpoint, name: str) -> None:
    todo0.assert_redeemed(todo0.redeem(**{name: "x"}))


@pytest.mark.parametrize(
    ("grant_type", "error", "description"),
    [
        (None, "invalid_request", NO_GRANT_TYPE),
        ("", "invalid_request", NO_GRANT_TYPE),
        *(
            (grant_type, "unsupported_grant_type", NOT_OFFERED)
            for grant_type in (
                "password",
                "client_credentials",
                "implicit",
                "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:saml2-bearer",
                "jwt-bearer",
                JWT_BEARER.upper(),
                f"{JWT_BEARER} ",
                f" {JWT_BEARER}",
                f"{JWT_BEARER}\0",
                f"{JWT_BEARER}/",
            )
        ),
    ],
)
@pytest.mark.clause("RFC 6749", "5.2", "invalid_request, unsupported_grant_type")
def test_a_grant_type_that_is_missing_or_unknown_is_refused(
    todo0: TokenEndpoint, grant_type: str | None, error: str, description: str
) -> None:
    assert_refused_unread(todo0.redeem(grant_type=grant_type), error, description, "token_request")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize(
    ("grant_type", "act"),
    [
        ("authorization_code", "authorization_code"),
        ("refresh_token", "refresh_token"),
        (TOKEN_EXCHANGE, "token_exchange"),
    ],
)
@pytest.mark.clause("RFC 6749", "5.2", "unsupported_grant_type: what the IdPs offer, the apps do not")
def test_a_grant_that_other_servers_offer_is_refused(todo0: TokenEndpoint, grant_type: str, act: str) -> None:
    response = todo0.redeem(grant_type=grant_type)
    assert_refused_unread(response, "unsupported_grant_type", NOT_OFFERED, act)
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/octet-stream", "application/jwt", "form", ""]
)
@pytest.mark.clause("RFC 6749", "3.2", "the body is a form")
def test_another_content_type_is_refused(todo0: TokenEndpoint, content_type: str) -> None:
    body = urlencode({"grant_type": JWT_BEARER, "assertion": todo0.mint()})
    response = todo0.send(body, content_type=content_type)
    assert_refused_unread(response, "invalid_request", FORM_ONLY, "token_request")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "multipart/form-data"])
@pytest.mark.clause("RFC 6749", "3.2", "the body is a form")
def test_multipart_with_every_parameter_is_refused(todo0: TokenEndpoint, content_type: str) -> None:
    lines = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"grant_type": JWT_BEARER, "assertion": todo0.mint()}.items()
    ]
    response = todo0.send("".join([*lines, "--x--\r\n"]), content_type=content_type)
    assert_refused_unread(response, "invalid_request", FORM_ONLY, "token_request")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=UTF-8", FORM.upper(), f"{FORM};charset=utf-8"])
@pytest.mark.clause("RFC 9110", "8.3", "a form is a form in any spelling")
def test_a_form_may_say_its_charset(todo0: TokenEndpoint, content_type: str) -> None:
    body = urlencode({"grant_type": JWT_BEARER, "assertion": todo0.mint()})
    todo0.assert_redeemed(todo0.send(body, content_type=content_type))


@pytest.mark.parametrize("query", ["?x=1", "?scope=read", "?assertion=x", f"?client_id={CLIENT_ID}", "?x", "?&", "?&&"])
@pytest.mark.clause("RFC 6749", "3.2", "parameters are sent in the body, never in the URL")
def test_a_parameter_in_the_url_is_refused(todo0: TokenEndpoint, query: str) -> None:
    response = todo0.send(urlencode({"grant_type": JWT_BEARER, "assertion": todo0.mint()}), path=query)
    assert_refused_unread(response, "invalid_request", NOT_IN_THE_URL, "redemption")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"])
@pytest.mark.clause("RFC 6749", "3.2", "the token endpoint takes POST only")
def test_another_method_is_refused(todo0: TokenEndpoint, method: str) -> None:
    body = urlencode({"grant_type": JWT_BEARER, "assertion": todo0.mint()})
    response = todo0.send(body, method=method)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert response["Cache-Control"] == "no-store"
    assert b"access_token" not in response.content
    if method != "HEAD":
        assert response.json() == {
            "error": "invalid_request",
            "error_description": "The method must be POST.",
        }
    assert not ConsumedJti.objects.exists()
    assert not get_access_token_model().objects.exists()
    todo0.assert_redeemed(todo0.send(body))


@pytest.mark.clause("RFC 9110", "9.3.7", "OPTIONS says what there is, and does nothing")
def test_options_does_nothing(todo0: TokenEndpoint) -> None:
    response = todo0.send(urlencode({"grant_type": JWT_BEARER, "assertion": todo0.mint()}), method="OPTIONS")
    assert "POST" in response["Allow"]
    assert not response.content
    assert not [name for name, _ in response.items() if name.startswith("Access-Control-")]
    assert not get_access_token_model().objects.exists()


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"grant_type", b"grant_type=%", b"grant_type=%ff&assertion=%ff", b"{}", b"&&&=&=", b"%00=%00"],
    ids=repr,
)
@pytest.mark.clause("RFC 6749", "5.2", "any body is refused in registered words")
def test_a_body_that_is_no_token_request_is_refused(todo0: TokenEndpoint, body: bytes) -> None:
    response = todo0.send(body)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_request", "unsupported_grant_type")
    assert response["Cache-Control"] == "no-store"
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("RFC 6749", "5.2", "a body of more than 1 MiB is refused unread, in JSON")
def test_a_body_that_is_too_large_is_refused(todo0: TokenEndpoint) -> None:
    response = todo0.redeem("x" * (1024 * 1024))
    assert (response.status_code, response.json()["error"]) == (413, "invalid_request")
    assert not ConsumedJti.objects.exists()
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("ID-JAG", "9.1", "a session is no client, and a page of another site gets no answer")
def test_there_is_nothing_at_the_token_endpoint_for_browsers(todo0: TokenEndpoint) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(todo0.bob, backend="tenants.passwords.RealmBackend")
    body = urlencode({"grant_type": JWT_BEARER, "assertion": todo0.mint()})
    headers = {"Host": "todo.example", "Origin": "https://evil.example"}
    response = browser.post("/oauth2/v1/token", body, content_type=FORM, secure=True, headers=headers)
    todo0.assert_refused(response, "invalid_client", "Client authentication failed.", "client", status=401)
    answer = todo0.redeem(headers=basic() | {"Origin": "https://evil.example"})
    assert not [name for name, _ in answer.items() if name.startswith("Access-Control-")]
    assert CLIENT_SECRET not in answer.content.decode()


def test_the_control_everything_at_once(todo0: TokenEndpoint) -> None:
    parameters: dict[str, Any] = {"scope": "read", "resource": todo0.server.resource, "client_id": CLIENT_ID}
    todo0.assert_redeemed(todo0.redeem(**parameters), scope="read")
