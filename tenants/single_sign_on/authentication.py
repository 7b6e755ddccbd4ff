"""From the code of an IdP's answer to the person it stands for (OpenID Connect Core 1.0 section 3.1.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from base.issuers import keys
from crossapp.core.jwk import KeysUnavailable
from crossapp.core.jws import MalformedJws, parse_jws
from crossapp.core.metadata import Metadata
from tenants.models import IdPConnection, User
from tenants.passwords import ActiveAccounts
from tenants.shared_issuers import NoConnection, check_told_apart
from tenants.single_sign_on.attempts import Attempt
from tenants.single_sign_on.errors import Reason, SignInRefused
from tenants.single_sign_on.id_token import Expected, IdToken, IdTokenRefused, verify_id_token
from tenants.single_sign_on.provider import redeem
from tenants.single_sign_on.userinfo import completed_claims
from tenants.subjects import SubjectClaims, SubjectRefused, read_claims, resolve_subject, text_claim


class SingleSignOnBackend(ActiveAccounts):
    """Loads the account of a session that a single sign-on began; `CallbackView` alone begins one."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:  # type: ignore[override]
        """Accept no credentials: the accounts of the apps have none."""


@dataclass(frozen=True)
class SignIn:
    """The account of a person whom their IdP has authenticated, and the tokens that came with that."""

    user: User
    id_token: IdToken
    refresh_token: str


def sign_in(attempt: Attempt, metadata: Metadata, *, code: str, redirect_uri: str) -> SignIn:
    """Redeem `code`, and return whom the ID token is about; raises SignInRefused."""
    _check_told_apart(attempt.connection)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": attempt.code_verifier,
    }
    answer = redeem(attempt.connection, metadata.token_endpoint, form)
    id_token = _verified(answer, attempt)
    access_token = text_claim(answer, "access_token")
    found = completed_claims(id_token.claims, endpoint=metadata.userinfo_endpoint, access_token=access_token)
    claims = read_claims(found)
    try:
        user = resolve_subject(connection=attempt.connection, claims=claims)
    except SubjectRefused as error:
        raise _no_access(claims, error) from error
    return SignIn(user, id_token, text_claim(answer, "refresh_token"))


def _no_access(claims: SubjectClaims, error: SubjectRefused) -> SignInRefused:
    """Return the refusal of a person whose ID token is verified."""
    email, unverified = (claims.email, "") if claims.email_verified else ("", claims.email)
    return SignInRefused(
        Reason.NO_ACCESS, detail=error.detail, sub=claims.sub, email=email, unverified={"email": unverified}
    )


def _check_told_apart(connection: IdPConnection) -> None:
    try:
        check_told_apart(connection)
    except NoConnection as error:
        raise SignInRefused(Reason.NOT_CONFIGURED, detail=str(error), status=502) from error


def _verified(answer: Mapping[str, Any], attempt: Attempt) -> IdToken:
    """Return the ID token of a token response, verified; raises SignInRefused."""
    connection, wanted = attempt.connection, attempt.wanted
    expected = Expected(
        issuer=connection.issuer,
        client_id=connection.client_id,
        nonce=attempt.nonce,
        access_token=text_claim(answer, "access_token"),
        max_age=int(wanted["max_age"]) if "max_age" in wanted else None,
        acr_values=tuple(wanted.get("acr_values", "").split()),
        clock_skew=connection.clock_skew,
        tenant_claim=connection.tenant_claim,
        tenant_value=connection.tenant_value,
    )
    keys().forget(connection.issuer, fetched_before=connection.keys_fetched_since)
    try:
        return verify_id_token(answer.get("id_token"), expected=expected, key_for=keys().key_for)
    except IdTokenRefused as error:
        unverified = _unverified_person(answer.get("id_token"))
        raise SignInRefused(Reason.NOT_ACCEPTED, detail=error.detail, status=502, unverified=unverified) from error
    except KeysUnavailable as error:
        raise SignInRefused(Reason.NO_ANSWER, detail=str(error), status=502) from error


def _unverified_person(id_token: Any) -> dict[str, object]:
    """Return the claims of a refused ID token that name the person."""
    try:
        claims = parse_jws(id_token if isinstance(id_token, str) else "").unverified_payload
    except MalformedJws:
        return {}
    return {name: claims.get(name) for name in ("sub", "email")}
