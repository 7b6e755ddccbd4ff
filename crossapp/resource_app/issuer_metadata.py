"""RFC 8414 section 3 and OpenID Connect Discovery section 4: from an issuer to its key set (RFC 7517 section 5).

Two requests, each with a reader that checks everything and knows no HTTP.
"""

from typing import Any
from urllib.parse import urlsplit

import requests

from crossapp.resource_app.jwk import KeysUnavailable
from crossapp.resource_app.strict_json import NotStrictJson, strict_json_object

TIMEOUT = (2.0, 4.0)


def fetch_jwks(issuer: str, *, session: requests.Session) -> list[Any]:
    """Return the `keys` of the key set that `issuer` publishes, unread; raises KeysUnavailable."""
    for url in metadata_urls(issuer):
        answer = _get(url, session=session)
        if answer.status_code != 404:
            break
    jwks_uri = read_metadata(_body(answer), issuer=issuer)
    return fetch_jwks_at(jwks_uri, session=session)


def fetch_jwks_at(jwks_uri: str, *, session: requests.Session) -> list[Any]:
    """Return the `keys` of the key set at `jwks_uri`, unread; raises KeysUnavailable."""
    return read_jwks(_body(_get(jwks_uri, session=session)))


def metadata_urls(issuer: str) -> tuple[str, str]:
    """Return where the metadata is: an OpenID Provider's (Discovery section 4.1), else that of RFC 8414 section 3.1."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
    )


def read_metadata(body: bytes, *, issuer: str) -> str:
    """Return `jwks_uri`, if the document is that of `issuer`, byte for byte: RFC 8414 section 3.3."""
    document = _object(body)
    if document.get("issuer") != issuer:
        raise KeysUnavailable(f"the metadata of {issuer!r} says it is that of {document.get('issuer')!r}")
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not _is_fetchable(jwks_uri, issuer=issuer):
        raise KeysUnavailable(f"the metadata of {issuer!r} has no usable jwks_uri: {jwks_uri!r}")
    return jwks_uri


def read_jwks(body: bytes) -> list[Any]:
    """Return the unread keys of a key set: RFC 7517 section 5."""
    keys = _object(body).get("keys")
    if not isinstance(keys, list):
        raise KeysUnavailable("the key set has no keys")
    return keys


def _is_fetchable(url: str, *, issuer: str) -> bool:
    """Say whether `url` is https, or as plain as the issuer itself, which the operator has allowed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("https", urlsplit(issuer).scheme) and bool(parts.hostname) and parts.username is None


def _object(body: bytes) -> dict[str, Any]:
    try:
        return strict_json_object(body)
    except NotStrictJson as error:
        raise KeysUnavailable(f"the answer is no JSON document: {error}") from error


def _get(url: str, *, session: requests.Session) -> requests.Response:
    try:
        return session.get(url, headers={"Accept": "application/json"}, timeout=TIMEOUT, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:
        raise KeysUnavailable(f"{url}: {error}") from error


def _body(answer: requests.Response) -> bytes:
    if answer.status_code != 200:
        raise KeysUnavailable(f"{answer.url} answered {answer.status_code}")
    return answer.content
