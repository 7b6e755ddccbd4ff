"""IdPs that are not ours: one server on loopback with an issuer for each tenant, and many ways to misbehave."""

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from audit.changes import unrecorded
from crossapp.core.jws import parse_jws
from tenants.models import App, EmailDomain, IdPConnection, Tenant
from tests.support.fake_idp import public_jwk, sign
from tests.support.legs import ID_JAG_TYPE

CLIENT, SECRET = "wiki-at-the-idp", "a-secret-of-their-own"
DISCOVERY, KEYS, TOKEN = "/.well-known/openid-configuration", "/keys", "/token"
ENDPOINTS = (DISCOVERY, KEYS, TOKEN)
JSON = "application/json"

LIES: dict[str, tuple[int, str, bytes]] = {
    "500": (500, "text/html", b"<h1>Internal Server Error</h1>"),
    "503 for an hour": (503, "text/plain", b"Down for maintenance"),
    "HTML": (200, "text/html", b"<html>Sign in to the Wi-Fi</html>"),
    "redirect": (302, "text/html", b""),
    "broken JSON": (200, JSON, b'{"keys": ['),
    "wrong types": (
        200,
        JSON,
        b'{"issuer": 5, "token_endpoint": [], "keys": {}, "access_token": true, "id_token": {}, "token_type": 1}',
    ),
}
MISBEHAVIOUR = (*LIES, "huge", "hang", "drip", "hang up")
SLOW, SLOW_SECONDS = "slow but right", 2.0


class ExternalIdps(ThreadingHTTPServer):
    """`misbehaviour` says at which (tenant, endpoint) what happens; `asked` counts who was asked what."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        public_jwk("ES256")  # makes the key, so that no two threads make one each
        self.misbehaviour: dict[tuple[str, str], str] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.hanging = 0
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._sign_ins: dict[str, dict[str, str]] = {}  # by code

    def issuer(self, slug: str) -> str:
        return f"http://localhost:{self.server_port}/{slug}"

    def connect(self, slug: str) -> None:
        """Make a tenant whose people sign in here."""
        with unrecorded():
            tenant = Tenant.objects.create(slug=slug, name=slug)
            EmailDomain.objects.create(tenant=tenant, domain=f"{slug}.example")
            for app in App:
                IdPConnection.objects.create(
                    tenant=tenant, app=app, issuer=self.issuer(slug), client_id=CLIENT, client_secret=SECRET
                )

    def hang(self) -> None:
        """Say nothing until `released`."""
        with self._lock:
            self.hanging += 1
        self.released.wait(60)
        with self._lock:
            self.hanging -= 1

    def authorize(self, slug: str, query: dict[str, str]) -> str:
        """Return where the browser goes on to: everybody who is named is signed in."""
        code = secrets.token_urlsafe(8)
        self._sign_ins[code] = {"email": query["login_hint"], "nonce": query["nonce"]}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer(slug)})}"

    def document(self, slug: str, endpoint: str, form: dict[str, str]) -> dict[str, Any]:
        """Return the good answer."""
        issuer = self.issuer(slug)
        if endpoint == DISCOVERY:
            return {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}{TOKEN}",
                "jwks_uri": f"{issuer}{KEYS}",
            }
        if endpoint == KEYS:
            return {"keys": [public_jwk("ES256")]}
        if form["grant_type"] == "authorization_code":
            tokens = {"token_type": "Bearer", "access_token": "x", "id_token": self._id_token(slug, form)}
        else:
            tokens = {"token_type": "N_A", "access_token": self._id_jag(slug, form), "issued_token_type": ID_JAG_TYPE}
        return tokens | {"expires_in": 300}

    def _id_token(self, slug: str, form: dict[str, str]) -> str:
        sign_in = self._sign_ins.pop(form["code"])
        return self._sign(slug, {"aud": CLIENT, **sign_in, "sub": sign_in["email"], "email_verified": True}, "JWT")

    def _id_jag(self, slug: str, form: dict[str, str]) -> str:
        email = parse_jws(form["subject_token"]).unverified_payload["email"]
        claims: dict[str, Any] = {
            "aud": form["audience"],
            "client_id": "wiki0-at-todo0",
            "jti": secrets.token_urlsafe(12),
        }
        claims |= {"sub": email, "email": email, "email_verified": True}
        return self._sign(slug, claims | {"resource": form["resource"], "scope": "read"}, "oauth-id-jag+jwt")

    def _sign(self, slug: str, claims: dict[str, Any], typ: str) -> str:
        now = int(time.time())
        return sign({"iss": self.issuer(slug), "iat": now, "exp": now + 300, **claims}, alg="ES256", typ=typ)


class _Handler(BaseHTTPRequestHandler):
    server: ExternalIdps
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, slug, rest = parts.path.split("/", 2)
        endpoint = f"/{rest}"
        form = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()))
        self.server.asked[slug, endpoint] += 1
        try:
            kind = self.server.misbehaviour.get((slug, endpoint))
            if kind == SLOW:
                time.sleep(SLOW_SECONDS)
            if kind and kind != SLOW:
                self._misbehave(kind)
            elif endpoint == "/authorize":
                self._answer(302, "text/html", b"", self.server.authorize(slug, dict(parse_qsl(parts.query))))
            elif endpoint in ENDPOINTS:
                self._answer(200, JSON, json.dumps(self.server.document(slug, endpoint, form)).encode())
            else:
                self._answer(404, "text/plain", b"")
        except OSError:  # the server has stopped
            self.close_connection = True

    do_POST = do_GET

    def _misbehave(self, kind: str) -> None:
        self.close_connection = True
        if kind in LIES:
            status, media_type, body = LIES[kind]
            self._answer(status, media_type, body, self.server.issuer("elsewhere"))
        elif kind == "hang":
            self.server.hang()
        elif kind == "huge":
            self._head(200, JSON, 1 << 30)
            for _ in range(1 << 14):
                self.wfile.write(b" " * (1 << 16))
        elif kind == "drip":
            self._head(200, JSON, 1000)
            for _ in range(100):
                self.wfile.write(b" ")
                time.sleep(0.2)

    def _answer(self, status: int, media_type: str, body: bytes, location: str = "") -> None:
        self._head(status, media_type, len(body), location)
        self.wfile.write(body)

    def _head(self, status: int, media_type: str, length: int, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(length))
        if location:
            self.send_header("Location", location)
        if status == 503:
            self.send_header("Retry-After", "3600")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(port: int = 0) -> Iterator[ExternalIdps]:
    server = ExternalIdps(port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
