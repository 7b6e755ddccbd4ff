"""RFC 7523 sections 2.1 and 3.1, ID-JAG -04 section 4.4: an ID-JAG is redeemed for an access token.

Left out on purpose: the refresh token (ID-JAG -04 section 4.4.3). Left out and refused, never ignored: public clients
(ID-JAG -04 section 9.1), rich authorization requests (RFC 9396) and DPoP (ID-JAG -04 section 9.8).
"""

import json
import time
from datetime import timedelta
from typing import Any

from django.db import OperationalError, transaction
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase

from ..core.id_jag import Expected, IdJag, TrustedIssuer, parse_id_jag, verify_id_jag
from ..core.jws import UnverifiedJws
from ..core.refusals import (
    AccessDenied,
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
from .host import Host, SubjectDenied, SubjectRefused
from .oauthlib_errors import as_oauth_error
from .redemption_log import RedemptionLog

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class JwtBearerGrant(GrantTypeBase):
    """The grant, for `oauthlib.oauth2.Server.grant_types[JWT_BEARER]`. The steps are numbered; each may refuse."""

    def create_token_response(self, request: Any, token_handler: Any) -> tuple[dict[str, str], str, int]:
        """Return headers, JSON body and status of the answer, also of a refusal."""
        headers, log = self._get_default_headers(), RedemptionLog(request)
        facts = log.facts
        try:
            token = self._redeem(request, token_handler, log)
        except Refused as refused:
            error = as_oauth_error(refused)
            facts.failed = refused.check or facts.failed
            facts["detail"] = refused.detail
        except OperationalError as failure:
            error = as_oauth_error(Busy("The server is busy. Try again later."))
            facts.failed = "store"
            facts["detail"] = str(failure)
        except errors.OAuth2Error as refused_by_product:
            error = refused_by_product
            error.state = None
            facts.failed = facts.failed or "store"
            facts["detail"] = getattr(error, "detail", "")
        else:
            log.granted()
            return headers, json.dumps(token), 200
        log.refused(error.error, error.description)
        return headers | error.headers, error.json, error.status_code

    def _redeem(self, request: Any, token_handler: Any, log: RedemptionLog) -> dict[str, Any]:
        facts = log.facts
        facts.check("request", _check_request, request)  # 1
        facts.check("authorization_details", _check_no_rich_request, request)
        facts.check("dpop", _check_no_proof, request)
        facts.check("client", self._authenticate_client, request)  # 2
        host = conf().make_host()
        facts |= {"client_id": request.client.client_id, "audience": host.audience(request)}
        facts["scope_asked"] = request.scope
        facts.check("grant_type", self._check_grant_type, request)  # 3
        unverified = facts.check("jws", parse_id_jag, request.assertion)  # 4
        log.claimed(unverified)
        trusted, id_jag = verify_id_jag(unverified, _expected(request, host, unverified), facts.passed.append)
        log.verified(trusted, id_jag)
        with transaction.atomic(using=replay.database()):
            request.user = facts.check("subject", _subject, request, host, trusted, id_jag)  # 5
            request.scopes = facts.check("scope", _scope, request, host, id_jag)  # 6
            request.resource = facts.check("resource", _resource, request, host, id_jag)
            facts["resource"] = " ".join(request.resource)
            facts.check("cnf", _check_confirmation, id_jag)
            facts.check("authorization_details", _check_no_rich_grant, id_jag)
            if trusted.single_use:
                facts.check("replay", _claim, trusted, id_jag)  # 7
            request.id_jag = id_jag  # for the product's token generator
            token = self._issue(request, token_handler)  # 8
            log.issued()
        return token

    def _authenticate_client(self, request: Any) -> None:
        """RFC 6749 section 3.2.1, ID-JAG -04 section 9.1: a confidential client, the one in client_id."""
        request.client = None  # a parameter called `client` would be in this attribute
        try:
            self.validate_client_confidential(request)
        except errors.ServerError as error:
            raise InvalidRequest("client_id is not that of the authenticated client.") from error
        except errors.InvalidClientError as error:
            error.description = error.description or "Client authentication failed."
            raise
        if getattr(request.client, "client_type", "confidential") != "confidential":
            raise UnauthorizedClient("Only a confidential client may use this grant.")

    def _check_grant_type(self, request: Any) -> None:
        """RFC 6749 section 5.2: the client is registered for this grant."""
        try:
            self.validate_grant_type(request)
        except errors.UnauthorizedClientError as error:
            raise UnauthorizedClient("This client may not use this grant.") from error

    def _issue(self, request: Any, token_handler: Any) -> dict[str, Any]:
        """RFC 6749 section 5.1; ID-JAG -04 section 4.4.1: the answer has scope and resource."""
        resource = request.resource[0] if len(request.resource) == 1 else request.resource
        request.extra_credentials = {**(request.extra_credentials or {}), "resource": resource}
        token = token_handler.create_token(request, refresh_token=False)
        self.request_validator.save_token(token, request)
        transaction.on_commit(replay.sweep_now_and_then, using=replay.database(), robust=True)
        return token


def _check_request(request: Any) -> None:
    """RFC 7523 section 2.1, RFC 6749 section 3.2: an assertion, and no repetition except `resource` (RFC 8707)."""
    repeated = sorted(set(request.duplicate_params) - {"resource"})
    if repeated:
        raise InvalidRequest(f"The parameter {shown(repeated[0])} is repeated.")
    if not getattr(request, "assertion", None):
        raise InvalidRequest("The parameter 'assertion' is missing.")


def _check_no_rich_request(request: Any) -> None:
    """RFC 9396 section 5: `authorization_details` are refused, because no type is supported."""
    if getattr(request, "authorization_details", None):
        raise InvalidAuthorizationDetails("No type of authorization_details is supported here.")


def _check_no_proof(request: Any) -> None:
    """RFC 9449 section 5, ID-JAG -04 section 9.8: the proof of a key asks for a token bound to it, not a weaker one."""
    if "HTTP_DPOP" in request.headers or "DPoP" in request.headers:  # Django's name for it, and oauthlib's
        raise InvalidDPoPProof("This server does not bind access tokens to a key: send no DPoP header.")


def _expected(request: Any, host: Host, unverified: UnverifiedJws) -> Expected:
    settings, unverified_claims = conf(), unverified.unverified_payload
    return Expected(
        audience=host.audience(request),
        client_id=request.client.client_id,
        now=time.time(),
        trusted_issuer=lambda issuer: host.trusted_issuer(request, issuer, unverified_claims),
        key_for=settings.make_keys().key_for,
        algorithms=tuple(settings.algorithms),
        max_lifetime=settings.max_lifetime,
        clock_skew=settings.clock_skew,
    )


def _subject(request: Any, host: Host, trusted: TrustedIssuer, id_jag: IdJag) -> Any:
    """RFC 7523 section 3 (2): every refusal looks the same to the peer, unless the connection tells denials."""
    try:
        return host.subject(request, trusted, id_jag)
    except SubjectRefused as refused:
        if trusted.tells_access_denied and isinstance(refused, SubjectDenied):
            text = "The subject of the ID-JAG is known here and has no access."
            raise AccessDenied(text, detail=refused.detail) from refused
        raise InvalidGrant("The subject of the ID-JAG has no access to this app.", detail=refused.detail) from refused


def _scope(request: Any, host: Host, id_jag: IdJag) -> Any:
    return granted_scope(requested=request.scope, id_jag=id_jag.scope, client=host.client_scopes(request))


def _resource(request: Any, host: Host, id_jag: IdJag) -> Any:
    asked = [value for name, value in request.decoded_body if name == "resource" and value]
    return granted_resource(requested=asked, id_jag=id_jag.resource, ours=host.resources(request))


def _check_confirmation(id_jag: IdJag) -> None:
    """ID-JAG -04 section 9.8.1.2.2: an ID-JAG bound to a key is refused: proof of possession is not supported here."""
    if "cnf" in id_jag.claims:
        raise InvalidGrant("The ID-JAG is bound to a key (cnf), and proof of possession is not supported here.")


def _check_no_rich_grant(id_jag: IdJag) -> None:
    """ID-JAG -04 section 4.4.1, RFC 9396 section 5: an ID-JAG limited by details is refused: none is known here."""
    if id_jag.claims.get("authorization_details"):
        raise InvalidGrant("The ID-JAG has authorization_details, and no type of them is supported here.")


def _claim(trusted: TrustedIssuer, id_jag: IdJag) -> None:
    """RFC 7523 section 3 (7): claim the jti until `exp` plus the accepted skew."""
    skew = timedelta(seconds=trusted.skew(conf().clock_skew))
    try:
        replay.claim(issuer=id_jag.issuer, jti=id_jag.jti, expires_at=id_jag.expires_at + skew)
    except replay.Replayed as error:
        raise InvalidGrant("The ID-JAG has been redeemed before. Get a new one from the IdP.") from error
