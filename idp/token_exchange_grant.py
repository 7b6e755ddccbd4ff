"""RFC 8693 section 2, server side, as profiled by ID-JAG -04 section 4.3: an identity assertion for an ID-JAG.

Left out on purpose, and refused, never ignored: actor tokens (ID-JAG -04 section 4.3 defines no processing), rich
authorization requests, DPoP-bound ID-JAGs, SAML assertions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase

from authserver import oauth_audit
from authserver.current_server import server_of
from idp.cross_app_policy import Permission, permission_for
from idp.errors import InvalidAuthorizationDetails, InvalidDPoPProof, InvalidRequest
from idp.id_jag import LIFETIME, TOKEN_TYPE, build_id_jag
from idp.subject_tokens import SUBJECT_TOKEN_TYPES, subject_of


@dataclass(frozen=True)
class ExchangeRequest:
    """The checked parameters of RFC 8693 section 2.1 that this profile uses."""

    subject_token: str
    subject_token_type: str
    audience: str
    resources: tuple[str, ...]
    scope: str


class TokenExchangeGrant(GrantTypeBase):
    """The token exchange grant of the embedded IdP. It issues ID-JAGs only."""

    def create_token_response(self, request: Any, token_handler: Any) -> tuple[dict[str, str], str, int]:
        """Return headers, JSON body and status of RFC 8693 section 2.2. Raises OAuth2Error."""
        permission, id_jag = self._exchange(request, request.facts)
        body = {
            "access_token": id_jag,
            "issued_token_type": TOKEN_TYPE,
            "token_type": "N_A",
            "scope": " ".join(permission.scopes),
            "resource": permission.resource,  # ID-JAG branch resource-iss-validation section 4.3.4
            "expires_in": LIFETIME,
        }
        return self._get_default_headers(), json.dumps(body), 200

    def _exchange(self, request: Any, facts: Any) -> tuple[Permission, str]:
        """Run the steps in order: client, parameters, subject, permission; then build the ID-JAG."""
        server = server_of(request)
        facts |= {name: getattr(request, name, None) or "" for name in ("audience", "resource")}
        facts.check("client", self.validate_client_confidential, request)  # ID-JAG -04 section 9.1
        facts.check("grant_type", self.validate_grant_type, request)
        exchange = facts.check("request", read_exchange_request, request)
        token, token_type = exchange.subject_token, exchange.subject_token_type
        subject = facts.check("subject_token", subject_of, token, token_type, request, self.request_validator)
        request.user = subject.user
        facts["issuer"] = server.issuer
        permission = permission_for(
            server=server,
            client=request.client,
            subject=subject,
            audience=exchange.audience,
            resources=exchange.resources,
            scope=exchange.scope,
            check=facts.check,
        )
        id_jag, jti = facts.check("signing_key", build_id_jag, server=server, subject=subject, permission=permission)
        facts |= {"resource": permission.resource, "jti": jti}
        oauth_audit.issued(request, " ".join(permission.scopes))
        return permission, id_jag


def read_exchange_request(request: Any) -> ExchangeRequest:
    """Read the parameters of a token exchange (RFC 8693 section 2.1). Raises `InvalidRequest`."""
    parameters = dict(request.decoded_body)
    if not parameters.get("requested_token_type"):  # ID-JAG -04 section 4.3: required, never defaulted
        raise InvalidRequest("The parameter requested_token_type is missing.", request=request)
    if parameters["requested_token_type"] != TOKEN_TYPE:
        raise InvalidRequest(f"requested_token_type must be {TOKEN_TYPE}.", request=request)
    for name in ("subject_token", "subject_token_type", "audience"):
        if not parameters.get(name):
            raise InvalidRequest(f"The parameter {name} is missing.", request=request)
    if parameters["subject_token_type"] not in SUBJECT_TOKEN_TYPES:
        raise InvalidRequest(f"subject_token_type must be {' or '.join(SUBJECT_TOKEN_TYPES)}.", request=request)
    _check_nothing_is_dropped(request, parameters)
    return ExchangeRequest(
        subject_token=parameters["subject_token"],
        subject_token_type=parameters["subject_token_type"],
        audience=parameters["audience"],
        resources=tuple(value for name, value in request.decoded_body if name == "resource" and value),
        scope=parameters.get("scope", ""),
    )


def _check_nothing_is_dropped(request: Any, parameters: Mapping[str, str]) -> None:
    """Refuse parameters that must not be ignored: actors, authorization details, bound keys."""
    for name in ("actor_token", "actor_token_type"):
        if name in parameters:
            raise InvalidRequest(f"The parameter {name} is not supported.", request=request)
    if "authorization_details" in parameters:  # RFC 9396 section 5: no type is supported
        raise InvalidAuthorizationDetails("No type of authorization_details is supported.", request=request)
    if "HTTP_DPOP" in request.headers:  # RFC 9449 section 5, ID-JAG -04 section 9.8
        raise InvalidDPoPProof("This server does not bind ID-JAGs to a key: send no DPoP header.", request=request)
