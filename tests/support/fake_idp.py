"""An OpenID Provider in a requests adapter: it answers rightly until a test changes one thing."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from base.outgoing import session

ISSUER = "https://idp.example"
CLIENT_ID = "wiki-client"
CLIENT_SECRET = "s3cret:+/ü"


@cache
def private_key(alg: str = "RS256", name: str = "ours") -> Any:
    """Return a private key for `alg`; another `name` is another key."""
    if alg in ("RS256", "PS256"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else ed25519.Ed25519PrivateKey.generate()


def public_jwk(alg: str = "RS256", kid: str = "key-1") -> dict[str, Any]:
    """Return the public half of `private_key(alg)` as a JWK."""
    algorithm: Any = {"ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}.get(alg, RSAAlgorithm)
    jwk: dict[str, Any] = json.loads(algorithm.to_jwk(private_key(alg).public_key()))
    jwk.pop("key_ops", None)
    return {**jwk, "kid": kid, "use": "sig"}


def sign(claims: dict[str, Any], *, alg: str = "RS256", key: Any = None, **header: Any) -> str:
    """Return `claims` as a signed JWT. A `kid` of None is left out."""
    headers = {"kid": "key-1", **header}
    if headers["kid"] is None:
        del headers["kid"]
    payload = json.dumps(claims).encode()
    return jwt.api_jws.encode(payload, private_key(alg) if key is None else key, algorithm=alg, headers=headers)


def id_token_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid ID token; a change to None leaves the claim out."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": "u-bob",
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 300,
        "auth_time": now - 5,
        "nonce": "the-nonce",
        "email": "bob@tables.example",
        "email_verified": True,
        "name": "Bobby Tables",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


@dataclass
class Reply:
    """What a URL answers."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


def json_reply(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value).encode(), status)


@dataclass
class FakeIdp(BaseAdapter):
    """`replies` maps a path to a reply, or to a function that makes one or raises; `received` keeps what was asked."""

    issuer: str = ISSUER
    claims: dict[str, Any] = field(default_factory=id_token_claims)
    metadata: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, Reply | Callable[[], Reply]] = field(default_factory=dict)
    token_response: dict[str, Any] = field(default_factory=dict)
    received: list[requests.PreparedRequest] = field(default_factory=list)
    signing: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "end_session_endpoint": f"{self.issuer}/logout",
            "authorization_response_iss_parameter_supported": True,
        }
        self.token_response = {
            "token_type": "Bearer",
            "access_token": "an-access-token",
            "expires_in": 300,
            "refresh_token": "refresh-1",
        }

    def to(self, path: str) -> list[requests.PreparedRequest]:
        """Return the requests that were sent to `path`."""
        return [request for request in self.received if urlsplit(str(request.url)).path == path]

    def form(self, path: str) -> dict[str, str]:
        """Return the form of the only request to `path`."""
        (request,) = self.to(path)
        return {name: value for name, (value,) in parse_qs(str(request.body)).items()}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.received.append(request)
        path = urlsplit(str(request.url)).path.removeprefix(urlsplit(self.issuer).path)
        reply = self.replies.get(path) or self._reply(path)
        reply = reply if isinstance(reply, Reply) else reply()
        response = requests.Response()
        response.status_code, response.url, response.request = reply.status, str(request.url), request
        response.headers["Content-Type"] = reply.content_type
        response.raw = HTTPResponse(io.BytesIO(reply.body), status=reply.status, preload_content=False)
        return response

    def _reply(self, path: str) -> Reply:
        if path == "/.well-known/openid-configuration":
            return json_reply(self.metadata)
        if path == "/keys":
            return json_reply({"keys": [public_jwk()]})
        if path == "/token":
            return json_reply({"id_token": sign(self.claims, **self.signing), **self.token_response})
        return Reply(b"") if path == "/revoke" else json_reply({}, 404)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def answering_at(issuer: str) -> Iterator[FakeIdp]:
    """Let a fake IdP answer what this process's own session sends to `issuer`."""
    fake = FakeIdp(issuer)
    session().mount(issuer, fake)
    try:
        yield fake
    finally:
        del session().adapters[issuer]
