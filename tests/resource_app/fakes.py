"""The peers of these tests: an IdP that signs with nothing but `cryptography`, and a product that plugs the app in."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from oauthlib.oauth2 import BearerToken, RequestValidator
from oauthlib.oauth2.rfc6749.endpoints import TokenEndpoint

from crossapp.core.id_jag import IdJag
from crossapp.resource_app.host import SubjectRefused, TrustedIssuer
from crossapp.resource_app.jwt_bearer_grant import JWT_BEARER, JwtBearerGrant

ISSUER = "https://idp.example"
AUDIENCE = "https://todo.example"
RESOURCE = "https://todo.example/api"
OTHER_RESOURCE = "https://todo.example/reports"
CLIENT_ID = "wiki0-at-todo0"
CLIENT_SECRET = "correct"


class _Absent:
    def __repr__(self) -> str:
        return "absent"  # without an address: every xdist worker must find the same test names


ABSENT = _Absent()  # as the value of a claim or header: leave it out

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())
P521_KEY = ec.generate_private_key(ec.SECP521R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
_RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
PRIVATE_KEYS: dict[str, Any] = dict.fromkeys(_RSA_ALGORITHMS, RSA_KEY)
PRIVATE_KEYS |= {"ES256": EC_KEY, "ES384": P384_KEY, "ES512": P521_KEY, "EdDSA": ED_KEY, "Ed25519": ED_KEY}
KIDS = dict.fromkeys(_RSA_ALGORITHMS, "rsa")
KIDS |= {"ES256": "ec", "ES384": "p384", "ES512": "p521", "EdDSA": "ed", "Ed25519": "ed"}
_HASHES: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key: rsa.RSAPrivateKey, kid: str | None, **members: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    names = {} if kid is None else {"kid": kid}
    return {"kty": "RSA", **names, "use": "sig", "n": number(numbers.n), "e": number(numbers.e), **members}


def ec_jwk(key: ec.EllipticCurvePrivateKey, kid: str, **members: Any) -> dict[str, Any]:
    numbers, size = key.public_key().public_numbers(), _size(key)
    x, y = numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")
    return {"kty": "EC", "crv": f"P-{key.key_size}", "kid": kid, "use": "sig", "x": b64(x), "y": b64(y), **members}


def _size(key: ec.EllipticCurvePrivateKey) -> int:
    """Return the bytes of a coordinate: RFC 7518 section 6.2.1.2."""
    return (key.key_size + 7) // 8


def ed_jwk(key: ed25519.Ed25519PrivateKey, kid: str, **members: Any) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(key.public_key().public_bytes_raw()), **members}


def jwks() -> list[dict[str, Any]]:
    elliptic = [ec_jwk(EC_KEY, "ec"), ec_jwk(P384_KEY, "p384"), ec_jwk(P521_KEY, "p521")]
    return [rsa_jwk(RSA_KEY, "rsa"), *elliptic, ed_jwk(ED_KEY, "ed")]


def signature(alg: str, key: Any, data: bytes) -> bytes:
    if alg in ("EdDSA", "Ed25519"):
        return key.sign(data)
    digest = _HASHES[alg[2:]]
    if alg.startswith("RS"):
        return key.sign(data, padding.PKCS1v15(), digest)
    if alg.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(_size(key), "big") + s.to_bytes(_size(key), "big")


def compact(header: bytes | Mapping[str, Any], payload: bytes | Mapping[str, Any], *, alg: str, key: Any = None) -> str:
    """Sign `header` and `payload`, which may be bytes that are no JSON at all."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signed = ".".join(map(b64, parts))
    return f"{signed}.{b64(signature(alg, key or PRIVATE_KEYS[alg], signed.encode()))}"


def valid_claims() -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "sub": "bob",
        "aud": AUDIENCE,
        "client_id": CLIENT_ID,
        "jti": b64(now.to_bytes(8, "big") + str(time.perf_counter_ns()).encode()),
        "iat": now,
        "exp": now + 300,
        "resource": RESOURCE,
        "scope": "read write",
        "email": "bob@tables.fake",
    }


def id_jag(*, alg: str = "RS256", key: Any = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """Return a valid ID-JAG, but for the `header` and `claims` given: ABSENT leaves one out."""
    full_header = {"typ": "oauth-id-jag+jwt", "alg": alg, "kid": KIDS[alg], **(header or {})}
    full_claims = {**valid_claims(), **claims}
    return compact(
        {name: value for name, value in full_header.items() if value is not ABSENT},
        {name: value for name, value in full_claims.items() if value is not ABSENT},
        alg=alg,
        key=key,
    )


class FakeSession:
    """The IdP's two documents as an HTTP session; `answers` may hold an exception, `on_get` runs before each answer."""

    def __init__(self) -> None:
        self.requested: list[str] = []
        self.on_get: Callable[[str], None] = lambda url: None
        self.answers: dict[str, tuple[int, bytes] | Exception] = {}
        self.publish(jwks())

    def publish(self, keys: Sequence[Any], issuer: str = ISSUER) -> None:
        metadata = {"issuer": issuer, "jwks_uri": f"{issuer}/oauth2/v1/keys"}
        self.answers[f"{issuer}/.well-known/openid-configuration"] = (200, json.dumps(metadata).encode())
        self.answers[f"{issuer}/oauth2/v1/keys"] = (200, json.dumps({"keys": list(keys)}).encode())

    def fail(self) -> None:
        self.answers = dict.fromkeys(self.answers, requests.ConnectTimeout("the IdP is down"))

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        assert method == "GET"
        assert options["allow_redirects"] is False
        assert options["timeout"]
        self.requested.append(url)
        self.on_get(url)
        answer = self.answers.get(url, (404, b"not here"))
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, response.url, response._content = answer[0], url, answer[1]
        return response


@dataclass
class World:
    """What the fakes answer; new for every test by the fixture of the same name."""

    session: FakeSession = field(default_factory=FakeSession)
    trusted: dict[str, TrustedIssuer] = field(
        default_factory=lambda: {ISSUER: TrustedIssuer(ISSUER, connection="connection")}
    )
    resources: list[str] = field(default_factory=lambda: [RESOURCE, OTHER_RESOURCE])
    client_scopes: list[str] = field(default_factory=lambda: ["read", "write"])
    users: dict[str, Any] = field(default_factory=lambda: {"bob": SimpleNamespace(pk=7)})
    on_subject: Callable[[], None] = lambda: None
    on_save: Callable[[], None] = lambda: None
    grants: list[str] = field(default_factory=lambda: [JWT_BEARER])
    client_type: str = "confidential"
    seen_id_jags: list[tuple[TrustedIssuer, IdJag]] = field(default_factory=list)
    saved: list[tuple[dict[str, Any], Any]] = field(default_factory=list)


world = World()


def session() -> Any:
    return world.session


class FakeHost:
    """A Host that answers what `world` says."""

    def audience(self, request: Any) -> str:
        return AUDIENCE

    def resources(self, request: Any) -> Sequence[str]:
        return world.resources

    def trusted_issuer(self, request: Any, issuer: str, unverified_claims: Mapping[str, Any]) -> TrustedIssuer | None:
        assert request.client.client_id == CLIENT_ID
        return world.trusted.get(issuer)

    def client_scopes(self, request: Any) -> Sequence[str]:
        return world.client_scopes

    def subject(self, request: Any, trusted: TrustedIssuer, id_jag: IdJag) -> Any:
        world.seen_id_jags.append((trusted, id_jag))
        world.on_subject()
        if id_jag.subject not in world.users:
            raise SubjectRefused(f"no user {id_jag.subject}")
        return world.users[id_jag.subject]


class FakeValidator(RequestValidator):
    """One client with one secret, by Basic or in the body."""

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        assert request.client is None
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            client_id, _, secret = base64.b64decode(value).decode().partition(":")
        else:
            client_id, secret = request.client_id, request.client_secret
        if (client_id, secret) != (CLIENT_ID, CLIENT_SECRET):
            return False
        request.client = SimpleNamespace(client_id=client_id, client_type=world.client_type)
        return True

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *a: Any, **kw: Any
    ) -> bool:
        return grant_type in world.grants

    def save_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        world.on_save()
        world.saved.append((token, request))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


def basic(client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def redeem(
    assertion: str | None = None,
    *,
    headers: Any = None,
    more: Any = (),
    credentials: dict[str, Any] | None = None,
    **parameters: str,
) -> Answer:
    """Send a jwt-bearer request to oauthlib's token endpoint and return the answer; `more` may repeat a parameter.

    `credentials` are what the product wants to have in the answer.
    """
    validator = FakeValidator()
    endpoint = TokenEndpoint(JWT_BEARER, BearerToken(validator), {JWT_BEARER: JwtBearerGrant(validator)})
    body = [("grant_type", JWT_BEARER), *parameters.items(), *more]
    if assertion is not None:
        body.append(("assertion", assertion))
    answer_headers, answer, status = endpoint.create_token_response(
        "https://todo.example/oauth2/v1/token",
        body=urlencode(body),
        headers=basic() if headers is None else headers,
        credentials=credentials,
    )
    return Answer(status, answer_headers, json.loads(answer))
