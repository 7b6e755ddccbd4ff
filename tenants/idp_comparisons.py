"""What an IdP connection needs, compared with the metadata of its IdP, before the first person signs in.

`connectable_metadata` sends HTTP requests: call it outside database transactions.
"""

from django.core.exceptions import ValidationError

from base.outgoing import session
from crossapp.core import token_exchange
from crossapp.core.algorithms import ALGORITHMS
from crossapp.core.client_authentication import AuthMethod
from crossapp.core.comparisons import Comparison, Severity, compare, compare_client_authentication
from crossapp.core.discovery import find_metadata
from crossapp.core.errors import PeerError
from crossapp.core.metadata import Metadata
from tenants.issuers import validate_issuer
from tenants.single_sign_on.authorization_request import OFFLINE_ACCESS, scope_to_ask_for

COMPARED = ("auth_method", "scope", "prompt", "tenant_claim", "provisions_users")
"""The columns of an IdP connection that `compare_with_idp` takes."""
OPEN_ISSUERS = {"https://accounts.google.com": "hd"}
"""The issuers at which any person can open an account, each with the claim that names the customer."""


def connectable_metadata(issuer: str) -> Metadata:
    """Return the metadata of `issuer`, fetched now; raises ValidationError if it cannot be connected."""
    validate_issuer(issuer)
    try:
        metadata = find_metadata(issuer, session=session())
    except PeerError as error:
        hint = " Write the issuer exactly as the metadata do." if "expected" in error.detail else ""
        raise ValidationError(f"{error.detail}.{hint}") from error
    if not metadata.authorization_endpoint or not metadata.jwks_uri:
        raise ValidationError("The metadata name no authorization_endpoint or no jwks_uri.")
    return metadata


def compare_with_idp(
    metadata: Metadata, *, auth_method: str, scope: str, prompt: str, tenant_claim: str, provisions_users: bool
) -> list[Comparison]:
    """Compare `metadata` with the columns of an IdP connection and with what every sign-in here needs."""
    return [
        *_sign_in(metadata),
        compare_client_authentication(auth_method, metadata.token_endpoint_auth_methods_supported),
        *_scopes(metadata, scope_to_ask_for(scope, metadata).split()),
        *_prompt(metadata, prompt),
        *_cross_app_access(metadata),
        *(_tenant(metadata.issuer, tenant_claim) if provisions_users else []),
    ]


def secret_method_for(metadata: Metadata) -> AuthMethod:
    """Return the method for a client with a secret: client_secret_basic if the IdP takes it."""
    taken = metadata.token_endpoint_auth_methods_supported or ()
    basic, post = AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST
    return post if post in taken and basic not in taken else basic


def _sign_in(metadata: Metadata) -> list[Comparison]:
    return [
        compare(
            "ID token algorithms",
            list(ALGORITHMS),
            metadata.id_token_signing_alg_values_supported,
            default=["RS256"],
            if_missing=Severity.FAIL,
            remedy="Let the IdP sign ID tokens with one of these algorithms.",
        ),
        compare(
            "sign-in grant",
            ["authorization_code"],
            metadata.grant_types_supported,
            default=["authorization_code", "implicit"],
            if_missing=Severity.FAIL,
            remedy="Allow the authorization code flow at the IdP.",
        ),
        compare(
            "PKCE",
            ["S256"],
            metadata.code_challenge_methods_supported,
            if_missing=Severity.FAIL,
            remedy="Each sign-in sends a PKCE challenge: allow S256 at the IdP if it refuses the sign-in.",
        ),
    ]


def _scopes(metadata: Metadata, asked: list[str]) -> list[Comparison]:
    """OpenID Connect Core 1.0 sections 5.4 and 11."""
    return [
        compare(
            "scopes",
            asked,
            metadata.scopes_supported,
            every=True,
            if_silent=Severity.PASS,
            remedy="If the IdP refuses the sign-in (invalid_scope), set the connection's scopes.",
        ),
        compare(
            "refresh tokens",
            [OFFLINE_ACCESS],
            asked,
            remedy="Cards end with the ID token, until the person signs in again. If the IdP has offline_access after "
            "all, name it in the connection's scopes.",
        ),
    ]


def _prompt(metadata: Metadata, prompt: str) -> list[Comparison]:
    if not prompt:
        return []
    remedy = "If the IdP refuses the sign-in, choose another prompt or none."
    return [compare("prompt", [prompt], metadata.prompt_values_supported, if_silent=Severity.PASS, remedy=remedy)]


def _tenant(issuer: str, tenant_claim: str) -> list[Comparison]:
    """An issuer that is not the customer's own must say whose person it is, before that person gets an account."""
    if issuer not in OPEN_ISSUERS:
        return []
    remedy = (
        "Any person can open an account at this issuer, and every unknown person gets an account in this tenant. "
        "Set the tenant claim and its value, or switch just-in-time provisioning off."
    )
    return [compare("tenant claim", [OPEN_ISSUERS[issuer]], [tenant_claim or "none"], remedy=remedy)]


def _cross_app_access(metadata: Metadata) -> list[Comparison]:
    """RFC 8693, ID-JAG -04 section 7.1, and OpenID Connect Core 1.0 section 8."""
    remedy = "Without it, no app acts at another for these people. Allow cross-app access at the IdP, if it has it."
    return [
        compare(
            "token exchange",
            [token_exchange.GRANT_TYPE],
            metadata.grant_types_supported,
            default=["authorization_code", "implicit"],
            remedy=remedy,
        ),
        compare(
            "ID-JAG",
            [token_exchange.ID_JAG],
            metadata.identity_chaining_requested_token_types_supported,
            remedy=remedy,
        ),
        compare(
            "subject identifiers",
            ["public"],
            metadata.subject_types_supported,
            if_silent=Severity.PASS,
            remedy="With pairwise identifiers a person has another sub at each app: an ID-JAG does not find "
            "the account of the sign-in. Choose public identifiers for the apps' clients at the IdP.",
        ),
    ]
