"""RFC 8414 section 3 and OpenID Connect Discovery 1.0 section 4: the endpoints of an issuer.

Reads only the members that this app uses.
"""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .errors import BadAnswer, NotOffered, Unreachable
from .strict_json import strict_json_object
from .urls import is_acceptable_url


class Kind(enum.StrEnum):
    """The two kinds of documents, by their well-known name."""

    OPENID = "openid-configuration"
    OAUTH = "oauth-authorization-server"


@dataclass(frozen=True)
class Metadata:
    """An issuer's metadata; "" for absent members."""

    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False


URLS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
)


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
    """Return the metadata in an answer; raises `Unreachable` or `BadAnswer`.

    Only the endpoints in `names` are read; the `required` one must be present.
    """
    if status == 429 or status >= 500:
        raise Unreachable(f"the metadata request of {issuer} was answered with {status}")
    if status != 200:  # RFC 8414 section 3.2
        raise BadAnswer(f"the metadata request of {issuer} was answered with {status}")
    try:
        document = strict_json_object(body)
    except ValueError as error:
        raise BadAnswer(f"the metadata of {issuer} are not JSON: {error}") from error
    if document.get("issuer") != issuer:  # RFC 8414 section 3.3: identical, a trailing slash included
        raise BadAnswer(f"the metadata say issuer {ascii(document.get('issuer'))[:300]}, expected {issuer!r}")
    urls = {name: _url(document, name, issuer) for name in names}
    if not urls[required]:
        raise NotOffered(f"the metadata of {issuer} name no {required}")
    iss_supported = document.get("authorization_response_iss_parameter_supported") is True  # RFC 9207 section 3
    return Metadata(issuer=issuer, **urls, authorization_response_iss_parameter_supported=iss_supported)


def _url(document: dict[str, Any], name: str, issuer: str) -> str:
    """Return an endpoint: on https, or on http if its issuer is http on this machine.

    It may have a query, as those of Azure AD B2C have, which is kept (RFC 6749 section 3.2).
    """
    value = document.get(name, "")
    if value and not is_acceptable_url(value, http_on_loopback=issuer.startswith("http://"), query=True):
        raise BadAnswer(f"{name} of {issuer} is {ascii(value)[:300]}, not an https URL without a fragment")
    return str(value or "")
