"""Passes a Django request to oauthlib, with the site's authorization server and all repeated parameters."""

from typing import Any
from urllib.parse import unquote_plus

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from authserver.current_server import headers_for
from authserver.models import Client
from authserver.oauthlib_server import FormRequest


class Backend(OAuthLibCore):
    """django-oauth-toolkit's core for several servers: see `authserver.current_server`."""

    def extract_headers(self, request: HttpRequest) -> dict[str, Any]:
        """Return the request's headers under Django's names, with the server and the user added."""
        headers = {name: value for name, value in request.META.items() if name.startswith("HTTP_")}
        return headers | {"REMOTE_ADDR": request.META.get("REMOTE_ADDR", "")} | headers_for(request)

    # Attributes that the libraries set on a request; a parameter of that name would be read as one of them.
    NOT_PARAMETERS = frozenset(
        {
            "client",
            "client_refused",
            "facts",
            "user",
            "scopes",
            "extra_credentials",
            "refresh_token_instance",
            "id_token",
            "expires_in",
            "claims",
            "auth_time",
        }
    )

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        """Return the path and the query without `NOT_PARAMETERS`: the parameter `claims` is not supported."""
        uri = str(super()._get_escaped_full_path(request))
        path, _, query = uri.partition("?")
        if not query:
            return uri
        kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in self.NOT_PARAMETERS]
        return f"{path}?{'&'.join(kept)}"

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return every form parameter, repetitions included: the stock core would silently use the last one."""
        lists = request.POST.lists()
        return [(name, value) for name, values in lists if name not in self.NOT_PARAMETERS for value in values]

    def create_token_response(self, request: HttpRequest) -> tuple[str | None, dict[str, str], str, int]:
        """Answer a token request."""
        try:
            headers, body, status = self.server.answer(self._form_request(request))
        except OAuth2Error as error:
            return None, error.headers, error.json, error.status_code
        return None, headers, body, status

    def client_of(self, request: HttpRequest) -> Client:
        """Authenticate the client of `request` and return it. Raises oauthlib's OAuth2Error."""
        oauthlib_request = self._form_request(request)
        self.server.request_validator.authenticate_client(oauthlib_request)
        client: Client = oauthlib_request.client
        return client

    def _form_request(self, request: HttpRequest) -> FormRequest:
        uri, method = self._get_escaped_full_path(request), str(request.method)
        return FormRequest(uri, method, self.extract_body(request), self.extract_headers(request))
