"""mozilla-django-oidc's authentication backend, for many IdPs: which one is meant stands in `request.sign_in`.

Replaced are all parts that trust too much: its settings (one IdP per process), the token request (no limits), the
verification (no iss, aud, typ or required claims) and the search for the user (by email).
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from base.issuers import keys
from crossapp.core.jwk import KeysUnavailable
from tenants.models import User
from tenants.passwords import ActiveAccounts
from tenants.single_sign_on.attempts import SignIn
from tenants.single_sign_on.errors import Reason, SignInRefused
from tenants.single_sign_on.id_token import Expected, IdTokenRefused, verify_id_token
from tenants.single_sign_on.provider import redeem
from tenants.subjects import SubjectClaims, SubjectRefused, resolve_subject


class SingleSignOnBackend(ActiveAccounts, OIDCAuthenticationBackend):
    """Turns the code of an IdP's answer into the account of the person it stands for."""

    sign_in: SignIn

    def __init__(self) -> None:
        """Read no settings: a new object serves each call."""

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, nonce: str | None = None, code_verifier: str | None = None
    ) -> User | None:
        """Return the account, None if `request` answers no attempt; raises SignInRefused."""
        sign_in = getattr(request, "sign_in", None)
        if sign_in is None:
            return None
        self.sign_in = sign_in
        self.OIDC_RP_CLIENT_ID = sign_in.connection.client_id
        self.OIDC_RP_CLIENT_SECRET = sign_in.connection.client_secret
        return OIDCAuthenticationBackend.authenticate(self, request, nonce=nonce, code_verifier=code_verifier)

    def get_token(self, payload: dict[str, str]) -> Mapping[str, Any]:
        """Redeem the code (RFC 6749 section 4.1.3); the client's credentials are added as the connection says."""
        form = {name: payload[name] for name in ("grant_type", "code", "code_verifier")}
        form["redirect_uri"] = f"{self.request.site.origin}{self.request.path}"
        self.token_response = redeem(self.sign_in.connection, self.sign_in.metadata.token_endpoint, form)
        refresh_token = self.token_response.get("refresh_token", "")
        self.sign_in.refresh_token = refresh_token if isinstance(refresh_token, str) else ""
        return self.token_response

    def verify_token(self, token: Any, *, nonce: str | None = None, **kwargs: Any) -> Mapping[str, Any]:
        """Return the claims of the ID token, verified."""
        connection, access_token = self.sign_in.connection, self.token_response.get("access_token")
        wanted = self.sign_in.wanted
        expected = Expected(
            issuer=connection.issuer,
            client_id=connection.client_id,
            nonce=nonce or "",
            access_token=access_token if isinstance(access_token, str) else "",
            max_age=int(wanted["max_age"]) if "max_age" in wanted else None,
            acr_values=tuple(wanted.get("acr_values", "").split()),
        )
        keys().forget(connection.issuer, fetched_before=connection.keys_fetched_since)
        try:
            self.sign_in.id_token = verify_id_token(token, expected=expected, key_for=keys().key_for)
        except IdTokenRefused as error:
            raise SignInRefused(Reason.NOT_ACCEPTED, detail=error.detail, status=502) from error
        except KeysUnavailable as error:
            raise SignInRefused(Reason.NO_ANSWER, detail=str(error), status=502) from error
        return self.sign_in.id_token.claims

    def store_tokens(self, access_token: Any, id_token: Any) -> None:
        """Put nothing into the session: tokens are kept encrypted, after the sign-in."""

    def get_or_create_user(self, access_token: Any, id_token: Any, payload: Mapping[str, Any]) -> User:
        """Return the account of the subject; userinfo is not asked, the ID token says all that is needed."""
        try:
            return resolve_subject(connection=self.sign_in.connection, claims=subject_claims(payload))
        except SubjectRefused as error:
            raise SignInRefused(Reason.NO_ACCESS, detail=error.detail) from error


def subject_claims(claims: Mapping[str, Any]) -> SubjectClaims:
    """Return what verified claims say of their subject (OpenID Connect Core 1.0 section 5.1), strings only."""

    def text(name: str) -> str:
        value = claims.get(name)
        return value if isinstance(value, str) else ""

    return SubjectClaims(
        sub=text("sub"), email=text("email"), email_verified=claims.get("email_verified") is True, name=text("name")
    )
