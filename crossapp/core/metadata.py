"""RFC 8414 section 3 and OpenID Connect Discovery 1.0 section 4: the metadata of an issuer.

Reads only the members that this app uses.
"""

import enum
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from .errors import BadAnswer, NotOffered, Unreachable
from .strict_json import strict_json_object
from .urls import is_acceptable_url


class Kind(enum.StrEnum):
    """The two kinds of documents, by their well-known name."""

    OPENID = "openid-configuration"
    OAUTH = "oauth-authorization-server"


class NotHere(BadAnswer):
    """There is no metadata document at this URL. `detail` continues a sentence that begins with the URL."""


@dataclass(frozen=True)
class Metadata:
    """An issuer's metadata; "" for an absent URL, None for an absent or malformed list, which has its default then."""

    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False
    id_token_signing_alg_values_supported: tuple[str, ...] | None = None
    grant_types_supported: tuple[str, ...] | None = None
    authorization_grant_profiles_supported: tuple[str, ...] | None = None
    identity_chaining_requested_token_types_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    scopes_supported: tuple[str, ...] | None = None
    prompt_values_supported: tuple[str, ...] | None = None
    subject_types_supported: tuple[str, ...] | None = None


URLS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
)
LISTS = tuple(member.name for member in fields(Metadata) if member.default is None)


def well_known_urls(issuer: str, first: Kind) -> list[str]:
    """Return the URLs of the documents that `issuer` may have, those of the kind `first` before the others.

    The last one is outside RFC 8414, whose name it appends to the path of the issuer: Okta's custom servers have it.
    Raises `BadAnswer` for an unacceptable issuer.
    """
    kinds = (first, *(kind for kind in Kind if kind != first))
    appended = f"{issuer.removesuffix('/')}/.well-known/{Kind.OAUTH}"
    return list(dict.fromkeys([*(well_known_url(issuer, kind) for kind in kinds), appended]))


def well_known_url(issuer: str, kind: Kind) -> str:
    """Return the URL of the document of `issuer`; raises `BadAnswer` for an unacceptable issuer."""
    if not is_acceptable_url(issuer):  # RFC 8414 section 2
        raise BadAnswer(f"the issuer {issuer!r} is not an https URL without query and fragment")
    if kind == Kind.OPENID:  # OpenID Connect Discovery 1.0 section 4.1: after the path
        return f"{issuer.removesuffix('/')}/.well-known/{kind}"
    parts = urlsplit(issuer)  # RFC 8414 section 3.1: before the path
    return f"{parts.scheme}://{parts.netloc}/.well-known/{kind}{parts.path.removesuffix('/')}"


def read_metadata(
    status: int, body: bytes, *, issuer: str, required: str = "token_endpoint", names: Collection[str] = URLS
) -> Metadata:
    """Return the metadata in an answer; raises `Unreachable`, `NotHere`, or `BadAnswer` for an unusable document.

    Only the endpoints in `names` are read; the `required` one must be present.
    """
    if status == 429 or status >= 500:
        raise Unreachable(f"the metadata request of {issuer} was answered with {status}")
    if status != 200:  # RFC 8414 section 3.2
        raise NotHere(f"answered {status}")
    try:
        document = strict_json_object(body)
    except ValueError as error:
        raise NotHere(f"answered no JSON document: {error}") from error
    if document.get("issuer") != issuer:  # RFC 8414 section 3.3: identical, a trailing slash included
        raise BadAnswer(f"the metadata say issuer {ascii(document.get('issuer'))[:300]}, expected {issuer!r}")
    members: dict[str, Any] = {name: _url(document, name, issuer) for name in names}
    if not members[required]:
        raise NotOffered(f"the metadata of {issuer} name no {required}")
    iss_supported = document.get("authorization_response_iss_parameter_supported") is True  # RFC 9207 section 3
    members |= {name: _list(document.get(name)) for name in LISTS}
    return Metadata(issuer=issuer, **members, authorization_response_iss_parameter_supported=iss_supported)


def _url(document: dict[str, Any], name: str, issuer: str) -> str:
    """Return an endpoint: on https, or on http if its issuer is http on this machine.

    It may have a query, as those of Azure AD B2C have, which is kept (RFC 6749 section 3.2).
    """
    value = document.get(name, "")
    if value and not is_acceptable_url(value, http_on_loopback=issuer.startswith("http://"), query=True):
        raise BadAnswer(f"{name} of {issuer} is {ascii(value)[:300]}, not an https URL without a fragment")
    return str(value or "")


def _list(value: Any) -> tuple[str, ...] | None:
    """Return a list of strings; None if it is anything else, because these members only advise."""
    return tuple(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
