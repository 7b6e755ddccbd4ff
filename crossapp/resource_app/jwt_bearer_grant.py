"""RFC 7523 sections 2.1 and 3.1, draft section 4.4: an ID-JAG is redeemed for an access token.

Left out on purpose: the refresh token (draft section 4.4.3). Left out and refused, never ignored: public clients (draft
section 8.1), rich authorization requests (RFC 9396) and DPoP (draft section 8.7).
"""

import json
import time
from functools import partial
from typing import Any

from django.db import OperationalError, transaction
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase

from ..core.id_jag import Expected, IdJag, TrustedIssuer, parse_id_jag, verify_id_jag
from ..core.refusals import (
    Busy,
    InvalidAuthorizationDetails,
    InvalidDPoPProof,
    InvalidGrant,
    InvalidRequest,
    Refused,
    UnauthorizedClient,
    shown,
)
from ..core.resource import granted_resource
from ..core.scope import granted_scope
from . import replay
from .conf import conf
from .host import Host, SubjectRefused
from .oauthlib_errors import as_oauth_error
from .redemption_log import RedemptionLog

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class JwtBearerGrant(GrantTypeBase):
    """The grant, for `oauthlib.oauth2.Server.grant_types[JWT_BEARER]`. The steps are numbered; each may refuse."""

    def create_token_response(self, request: Any, token_handler: Any) -> tuple[dict[str, str], str, int]:
        """Return headers, JSON body and status of the answer, whatever it is."""
        headers, log = self._get_default_headers(), RedemptionLog(request)
        try:
            token = self._redeem(request, token_handler, log)
        except Refused as refused:
            log.refused(refused.error, refused.description, check=refused.check, detail=refused.detail)
            error = as_oauth_error(refused)
        except OperationalError as failure:
            busy = Busy("The server is busy. Try again later.")
            log.refused(busy.error, busy.description, check="store", detail=str(failure))
            error = as_oauth_error(busy)
        except errors.OAuth2Error as refused_by_oauthlib:
            error = refused_by_oauthlib
            error.state = None
            log.refused(error.error, error.description, check="client", detail=getattr(error, "detail", ""))
        else:
            log.granted(user=request.user, scope=request.scopes, resource=request.resource)
            return headers, json.dumps(token), 200
        return headers | error.headers, error.json, error.status_code

    def _redeem(self, request: Any, token_handler: Any, log: RedemptionLog) -> dict[str, Any]:
        _check_request(request)  # 1
        _check_no_rich_request(request)
        _check_no_proof(request)
        self._authenticate_client(request)  # 2
        host = conf().make_host()
        log.asked(client_id=request.client.client_id, audience=host.audience(request), scope=request.scope)
        self._check_grant_type(request)  # 3
        expected = _expected(request, host)
        unverified = parse_id_jag(request.assertion)  # 4
        log.unverified(unverified)
        trusted, id_jag = verify_id_jag(unverified, expected)
        log.verified(id_jag, trusted)
        with transaction.atomic(using=replay.database()):
            request.user = _subject(request, host, trusted, id_jag)  # 5
            _grant_scope_and_resource(request, host, id_jag)  # 6
            _check_confirmation(id_jag)
            _check_no_rich_grant(id_jag)
            if trusted.single_use:
                _claim(id_jag)  # 7
            token = self._issue(request, token_handler)  # 8
            log.issued()
        return token

    def _authenticate_client(self, request: Any) -> None:
        """RFC 6749 section 3.2.1, draft section 8.1: a confidential client, and the one that the body names."""
        request.client = None  # oauthlib takes a parameter of that name for it
        try:
            self.validate_client_confidential(request)
        except errors.ServerError as error:
            raise InvalidRequest("client_id is not that of the client that authenticated.", check="client") from error
        except errors.InvalidClientError as error:
            error.description = error.description or "Client authentication failed."
            raise
        if getattr(request.client, "client_type", "confidential") != "confidential":
            raise UnauthorizedClient("Only a confidential client may use this grant.", check="client")

    def _check_grant_type(self, request: Any) -> None:
        """RFC 6749 section 5.2: the client is registered for this grant."""
        try:
            self.validate_grant_type(request)
        except errors.UnauthorizedClientError as error:
            raise UnauthorizedClient("This client may not use this grant.", check="grant_type") from error

    def _issue(self, request: Any, token_handler: Any) -> dict[str, Any]:
        """RFC 6749 section 5.1; draft section 4.4.1: the answer says which scope and which resource."""
        resource = request.resource[0] if len(request.resource) == 1 else request.resource
        request.extra_credentials = {**(request.extra_credentials or {}), "resource": resource}
        token = token_handler.create_token(request, refresh_token=False)
        self.request_validator.save_token(token, request)
        transaction.on_commit(replay.sweep_now_and_then, using=replay.database(), robust=True)
        return token


def _check_request(request: Any) -> None:
    """RFC 7523 section 2.1, RFC 6749 section 3.2: an assertion, and nothing twice but `resource` (RFC 8707)."""
    repeated = sorted(set(request.duplicate_params) - {"resource"})
    if repeated:
        raise InvalidRequest(f"The parameter {shown(repeated[0])} is repeated.", check="request")
    if not getattr(request, "assertion", None):
        raise InvalidRequest("The parameter 'assertion' is missing.", check="request")


def _check_no_rich_request(request: Any) -> None:
    """RFC 9396 section 5: no type of `authorization_details` is known here, and none is ignored."""
    if getattr(request, "authorization_details", None):
        raise InvalidAuthorizationDetails(
            "No type of authorization_details is supported here.", check="authorization_details"
        )


def _check_no_proof(request: Any) -> None:
    """RFC 9449 section 5, draft section 8.7: who proves a key wants a token bound to it, and gets no weaker one."""
    if "HTTP_DPOP" in request.headers or "DPoP" in request.headers:  # Django's name for it, and oauthlib's
        raise InvalidDPoPProof("No access token is bound to a key here: send no DPoP header.", check="dpop")


def _expected(request: Any, host: Host) -> Expected:
    settings = conf()
    return Expected(
        audience=host.audience(request),
        client_id=request.client.client_id,
        now=time.time(),
        trusted_issuer=partial(host.trusted_issuer, request),
        key_for=settings.make_keys().key_for,
        algorithms=tuple(settings.algorithms),
        max_lifetime=settings.max_lifetime,
        clock_skew=settings.clock_skew,
    )


def _subject(request: Any, host: Host, trusted: TrustedIssuer, id_jag: IdJag) -> Any:
    """RFC 7523 section 3 (2): whoever it is not reads the same outside."""
    try:
        return host.subject(request, trusted, id_jag)
    except SubjectRefused as refused:
        raise InvalidGrant(
            "The subject of the ID-JAG has no access here.", check="subject", detail=refused.detail
        ) from refused


def _grant_scope_and_resource(request: Any, host: Host, id_jag: IdJag) -> None:
    asked = [value for name, value in request.decoded_body if name == "resource" and value]
    request.scopes = granted_scope(requested=request.scope, id_jag=id_jag.scope, client=host.client_scopes(request))
    request.resource = granted_resource(requested=asked, id_jag=id_jag.resource, ours=host.resources(request))


def _check_confirmation(id_jag: IdJag) -> None:
    """Draft section 8.7.1.2.2: what needs a proof of possession is not good without one, and none is supported here."""
    if "cnf" in id_jag.claims:
        raise InvalidGrant(
            "The ID-JAG is bound to a key (cnf), and proof of possession is not supported here.", check="cnf"
        )


def _check_no_rich_grant(id_jag: IdJag) -> None:
    """Draft section 4.4.1, RFC 9396 section 5: an ID-JAG limited by details that nobody here can keep is not good."""
    if id_jag.claims.get("authorization_details"):
        raise InvalidGrant(
            "The ID-JAG has authorization_details, and no type of them is supported here.",
            check="authorization_details",
        )


def _claim(id_jag: IdJag) -> None:
    """RFC 7523 section 3 (7), with the skew that `exp` is given as well."""
    try:
        replay.claim(issuer=id_jag.issuer, jti=id_jag.jti, expires_at=id_jag.expires_at + conf().skew)
    except replay.Replayed as error:
        raise InvalidGrant("The ID-JAG has been redeemed before. Ask the IdP for a new one.", check="replay") from error
