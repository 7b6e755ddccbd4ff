"""The oauthlib server of every token endpoint, with the project's grants."""

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from oauth2_provider import oauth2_validators
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.utils import scope_to_list
from oauthlib.openid import RequestValidator
from oauthlib.openid import Server as OpenIDServer

from authserver import oauth_audit
from crossapp.core.facts import RequestFacts


class FormRequest(Request):
    """An oauthlib request for parameters that are already decoded; the stock one would encode and decode them again."""

    def __init__(self, uri: str, http_method: str, parameters: list[tuple[str, str]], headers: dict[str, Any]) -> None:
        super().__init__(uri, http_method, headers=headers)
        self.decoded_body = parameters
        self._params.update(parameters)
        self.facts = RequestFacts()


class Server(OpenIDServer):
    """oauthlib's OpenID server with the grants of `settings.AUTHSERVER_GRANTS`, and without what RFC 9700 retired.

    One process serves every authorization server of the project. The server's row names the grants that it offers;
    `Validator.validate_grant_type` and the token view enforce them.
    """

    def __init__(self, request_validator: RequestValidator, *args: Any, **kwargs: Any) -> None:
        super().__init__(request_validator, *args, **kwargs)
        for name in ("password", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"):
            self.grant_types.pop(name)
        for name in set(self.response_types) - {"code"}:
            self.response_types.pop(name)
        # The stock server accepts any ID token as a bearer token at every API.
        self.tokens.pop("JWT")
        for name, path in settings.AUTHSERVER_GRANTS.items():
            self.grant_types[name] = import_string(path)(request_validator)
            oauth2_validators.GRANT_TYPE_MAPPING[name] = (name,)
        for name in ("authorization_code", "refresh_token"):
            oauth2_validators.GRANT_TYPE_MAPPING[name] = (name,)

    def answer(self, request: FormRequest) -> tuple[dict[str, str], str, int]:
        """Return headers, body and status of the answer to a token request (RFC 6749 section 3.2).

        Like oauthlib's endpoint, but the token view has already checked method, grant type and query. Raises
        OAuth2Error.
        """
        request.scopes = scope_to_list(request.scope)
        return oauth_audit.recorded_answer(self.grant_types[request.grant_type], request, self.default_token_type)

    def validate_revocation_request(self, request: Any) -> None:
        request.facts = RequestFacts()
        oauth_audit.revocation(request, super().validate_revocation_request)


class InvalidTarget(errors.OAuth2Error):
    """The resource or audience is unknown here (RFC 8693 section 2.2.2, RFC 8707 section 2)."""

    error = "invalid_target"
    status_code = 400
