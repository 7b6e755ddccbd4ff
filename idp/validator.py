"""OpenID Connect Core sections 2 and 5.4: the claims of a person, and the rules of the OpenID Provider."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from oauth2_provider.models import get_id_token_model
from oauth2_provider.scopes import get_scopes_backend

from authserver.current_server import server_of, signed_in_user_of
from authserver.validator import Validator
from crossapp.core.oauth_text import is_scope
from idp.errors import InvalidScope
from idp.models import FamilyIdToken, GrantedAuthentication
from tenants.models import User

AUTHENTICATION_METHODS = ["pwd"]  # RFC 8176 section 2: the directory has passwords only


class OpenIDValidator(Validator):
    """The authorization servers' validator plus the claims and rules of an OpenID Provider."""

    def get_claim_dict(self, request: Any) -> dict[str, Any]:
        return claims_of(request.user)

    def get_id_token_dictionary(self, token: Any, token_handler: Any, request: Any) -> tuple[dict[str, Any], Any]:
        claims, expires = super().get_id_token_dictionary(token, token_handler, request)
        return {**claims, "auth_time": request.auth_time, "amr": AUTHENTICATION_METHODS}, expires

    def _create_authorization_code(self, request: Any, code: dict[str, str], expires: Any = None) -> Any:
        request.claims = {"auth_time": request.auth_time}  # stored with the code; the claims parameter is not supported
        return super()._create_authorization_code(request, code, expires)

    def _create_refresh_token(self, request: Any, refresh_token_code: str, access_token: Any, previous: Any) -> Any:
        refresh_token = super()._create_refresh_token(request, refresh_token_code, access_token, previous)
        granted, _ = GrantedAuthentication.objects.get_or_create(
            token_family=refresh_token.token_family, defaults={"auth_time": request.auth_time}
        )
        if access_token.id_token_id:
            FamilyIdToken.objects.create(granted=granted, id_token=access_token.id_token_id)
        return refresh_token

    def end_family(self, token_family: UUID | None) -> None:
        """End its ID tokens too: they would still be exchanged for ID-JAGs."""
        super().end_family(token_family)
        if token_family is None:
            return
        issued = FamilyIdToken.objects.filter(granted__token_family=token_family).values_list("id_token", flat=True)
        get_id_token_model().objects.filter(pk__in=list(issued)).delete()

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Simple string comparison (RFC 9700 section 2.1, OpenID Connect Core section 3.1.2.1): no other spelling."""
        registered = redirect_uri in request.client.redirect_uris.split()
        return registered and super().validate_redirect_uri(client_id, redirect_uri, request, *args, **kwargs)

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> str | None:
        """Required in OpenID Connect (Core section 3.1.2.1); otherwise the only one (RFC 6749 section 3.1.2.3)."""
        if "openid" in (request.scopes or []):
            return None
        default: str | None = super().get_default_redirect_uri(client_id, request, *args, **kwargs)
        return default

    def validate_scopes(
        self, client_id: str, scopes: Sequence[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Leave the known scopes in `request.scopes`. Raises InvalidScope for those that the client may not have."""
        request.scopes = _known(scopes, request)
        if denied := set(request.scopes) - set(get_scopes_backend().get_available_scopes(application=client)):
            raise InvalidScope(f"This client may not have the scope {' '.join(sorted(denied))}.", request=request)
        return True

    def is_within_original_scope(
        self, request_scopes: Sequence[str], refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """RFC 6749 section 6: leave the known scopes in `request.scopes`, and say whether all of them were granted."""
        request.scopes = _known(request_scopes, request)
        return set(request.scopes) <= set(self.get_original_scopes(refresh_token, request).split())

    def validate_silent_login(self, request: Any) -> bool:
        """`prompt=none` (OpenID Connect Core section 3.1.2.1): say whether a person is signed in."""
        request.user = signed_in_user_of(request)
        return bool(request.user.is_authenticated)

    def validate_silent_authorization(self, request: Any) -> bool:
        """Return True: the tenant's administrator registered the client, so consent is given."""
        return True

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        valid = super().validate_code(client_id, code, client, request, *args, **kwargs)
        request.auth_time = (request.claims or {}).get("auth_time", 0) if valid else 0
        return valid and may_sign_in(request.user)

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        if not valid:
            return False
        granted = GrantedAuthentication.objects.filter(token_family=request.refresh_token_instance.token_family).first()
        request.auth_time = granted.auth_time if granted else 0
        return may_sign_in(request.user)

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Keep the refresh token only if it was asked for (OpenID Connect Core section 11)."""
        if "offline_access" not in request.scopes:
            token.pop("refresh_token", None)
        super()._save_bearer_token(token, request, *args, **kwargs)


def _known(scopes: Sequence[str], request: Any) -> list[str]:
    """Return those of `scopes` that the server has; unknown ones are ignored (OpenID Connect Core section 3.1.2.1).

    Raises InvalidScope if the scope is malformed, and if none is left, because there is no default (RFC 6749 section
    3.3).
    """
    server = server_of(request)
    if any(scopes) and not is_scope(" ".join(scopes)):
        raise InvalidScope("The scope is malformed.", request=request)
    known = [scope for scope in dict.fromkeys(scopes) if scope in server.scopes]
    if not known:
        raise InvalidScope(f"The scope must be one or more of: {' '.join(server.scopes)}.", request=request)
    return known


def claims_of(user: User) -> dict[str, Any]:
    """Return the standard claims of a directory entry (OpenID Connect Core section 5.1), before scopes filter them.

    Unknown values are omitted (section 5.3.2).
    """
    names = {
        "name": user.get_full_name(),
        "given_name": user.first_name,
        "family_name": user.last_name,
        "preferred_username": user.email,
    }
    return {"sub": user.sub, **{name: value for name, value in names.items() if value}, **email_of(user)}


def email_of(user: User) -> dict[str, Any]:
    """Return the claims about the email of a directory entry, if it has one."""
    return {"email": user.email, "email_verified": True} if user.email else {}  # entered by the administrator


def may_sign_in(user: User) -> bool:
    """Say whether a directory entry is active. A deactivated one gets no token from the next request on."""
    return bool(user.is_active and user.tenant and user.tenant.is_active)
