"""RFC 6749 sections 5.1 and 5.2: renders the answers of all OAuth endpoints."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from crossapp.core.oauth_text import oauth_text

RETRY_AFTER_SECONDS = 5  # for a 503: about as long as a database restarts

_DESCRIPTIONS = {
    "invalid_client": "Client authentication failed: unknown client, wrong credentials, or not its registered method.",
    "invalid_grant": "The grant is not valid, or was not issued to this client.",
    "invalid_scope": "The scope is malformed, or more than this client may have.",
    "unauthorized_client": "This client may not use this grant type.",
    "unsupported_grant_type": "This authorization server does not offer that grant type.",
}


def oauth_response(body: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """Return `body` as JSON with no-store.

    A 401 has WWW-Authenticate (RFC 6749 section 5.2), a 503 has Retry-After (RFC 9110 section 15.6.4).
    """
    if "error_description" in body:
        body = {**body, "error_description": oauth_text(str(body["error_description"]), other="'")[:500]}
    response = _json(json.dumps(body), status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="OAuth client", charset="UTF-8"'
    return response


def _json(text: str, status: int) -> HttpResponse:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
    return HttpResponse(text, status=status, headers=headers)


def oauth_error(error: str, description: str, *, status: int = 400) -> HttpResponse:
    """Return an error answer; `error` is a registered code, `description` tells the peer what to correct."""
    return oauth_response({"error": error, "error_description": description}, status=status)


def method_not_allowed(allowed: str) -> HttpResponse:
    """Return 405 for a method that is not in `allowed`, a list as in the header Allow."""
    response = oauth_error("invalid_request", f"The method must be {allowed}.", status=405)
    response["Allow"] = allowed
    return response


def from_oauthlib(body: str | None, status: int) -> HttpResponse:
    """Render oauthlib's answer: a JSON text or nothing. An error without a description gets one."""
    if body and status == 200:
        return _json(body, status)
    answer = json.loads(body) if body else {}
    if answer.get("error") in _DESCRIPTIONS:
        answer.setdefault("error_description", _DESCRIPTIONS[answer["error"]])
    return oauth_response(answer, status=status)


def form_error(request: HttpRequest, *, needed: str) -> HttpResponse | None:
    """Check the form of a request to an OAuth endpoint; return the refusal or None (RFC 6749 section 3.2).

    It must have a form-encoded body, no query, no repeated parameter (except `resource`, RFC 8707 section 2), and the
    parameter `needed`. Any other body is not read.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        return oauth_error("invalid_request", "The body must be application/x-www-form-urlencoded.")
    if request.META.get("QUERY_STRING"):
        return oauth_error("invalid_request", "Send parameters in the body, not in the URL.")
    for name, values in request.POST.lists():
        if len(values) > 1 and name != "resource":
            return oauth_error("invalid_request", f"The parameter {name[:50]} is repeated.")
    if not request.POST.get(needed):
        return oauth_error("invalid_request", f"The parameter {needed} is missing.")
    return None
