"""Adds to an API's OpenAPI document who may call an operation and what each error means."""

from typing import Any

from django.conf import settings
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from authserver.bearer import BearerOrSession

_MEANINGS = {
    400: "The body is not strict JSON.",
    401: "The credentials are missing, or the access token is invalid or expired: see `WWW-Authenticate`.",
    403: "The access token lacks the scope, a session call lacks X-CSRFToken, or the call takes no access token.",
    404: "The object does not exist or belongs to another user.",
    409: "Another request has changed the object.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    422: "The body or a parameter does not match its schema.",
    429: "Too many calls: see `Retry-After`.",
}
_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After"}


class ApiDocument(OpenAPISchema):
    """An OpenAPI document with the scope of each operation, and the session as an alternative."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        [auth] = operation.auth_callbacks
        scope = f"scope `{auth.scope}`" if isinstance(auth, BearerOrSession) else "refused"
        description = f"{operation.description}\n\nAn access token: {scope}."
        return {**super().operation_details(operation), "description": description}

    def operation_security(self, operation: Operation) -> list[dict[str, list[str]]]:
        [auth] = operation.auth_callbacks
        by_session: dict[str, list[str]] = {"session": []}
        return [{"access_token": [auth.scope]}, by_session] if isinstance(auth, BearerOrSession) else [by_session]

    def responses(self, operation: Operation) -> dict[int, dict[str, Any]]:
        found = super().responses(operation)
        for status in set(found) & set(_MEANINGS):
            found[status]["description"] = _MEANINGS[status]
        for status in set(found) & set(_HEADERS):
            found[status]["headers"] = {_HEADERS[status]: {"schema": {"type": "string"}}}
        return found

    def get_components(self) -> dict[str, Any]:
        return {**super().get_components(), "securitySchemes": _security_schemes()}


def _security_schemes() -> dict[str, Any]:
    return {
        "access_token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": (
                "An access token for this API (RFC 9068), issued by the authorization server of this site. Its scopes: "
                "`read` to read, `write` to change. `/.well-known/oauth-protected-resource/api` names the server."
            ),
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of a signed-in user. A call that changes data also needs X-CSRFToken.",
        },
    }
