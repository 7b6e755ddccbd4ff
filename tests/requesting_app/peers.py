"""The other side: an IdP and a resource app that answer inside the process, and a store of subject tokens."""

import base64
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter

from crossapp.requesting_app.subject_tokens import SubjectTokenRefused, SubjectTokens

IDP = "http://customer1.idp.localhost:8100"
TODO = "http://todo.localhost:8100"
API = f"{TODO}/api"
OTHER_RESOURCES = [
    f"{TODO}/other", f"{API}/", API.upper(), f"{API}#x", "", [], [API, API], [API, f"{TODO}/other"],
    7, True, [None], {},
]  # fmt: skip
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
WIKI_SECRET = "canary-secret-of-wiki-at-the-idp"
TODO_SECRET = "canary/secret of wiki+at todo"


def jwt(claims: dict[str, Any], *, typ: str = "JWT") -> str:
    """Return a JWT without a real signature."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": typ, "kid": "1"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, b"canary-signature"])


def id_token(**claims: Any) -> str:
    """Return an ID token of the IdP for our client there."""
    return jwt({"iss": IDP, "sub": "bob", "aud": "wiki0", "exp": int(time.time()) + 600, **claims})


def id_jag_claims(**claims: Any) -> dict[str, Any]:
    """Return the claims of an ID-JAG as our requests ask for it."""
    now = int(time.time())
    fixed = {"iss": IDP, "sub": "bob", "aud": TODO, "client_id": "wiki0-at-todo0", "jti": os.urandom(8).hex()}
    return {**fixed, "iat": now, "exp": now + 300, "resource": API, "scope": "read write", **claims}


def id_jag(**claims: Any) -> str:
    """Return an ID-JAG as our requests ask for it."""
    return jwt(id_jag_claims(**claims), typ="oauth-id-jag+jwt")


def metadata_of(issuer: str) -> dict[str, Any]:
    """Return the metadata document of `issuer`."""
    return {"issuer": issuer, "token_endpoint": f"{issuer}/oauth2/v1/token", "jwks_uri": f"{issuer}/oauth2/v1/keys"}


@dataclass(frozen=True)
class Sent:
    """One request that arrived."""

    kind: str
    url: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class World:
    """What arrived, and what is answered: a kind of request -> answers to give before the good one.

    An answer is (status, JSON or bytes), perhaps with headers or a media type behind, or an exception to raise.
    """

    sent: list[Sent] = field(default_factory=list)
    next: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Any] = field(default_factory=dict)
    before_answering: Callable[[str], None] = lambda kind: None
    refused_tokens: set[str] = field(default_factory=set)

    def kinds(self) -> list[str]:
        """Return the kinds of the requests that arrived, without those for metadata."""
        return [sent.kind for sent in self.sent if sent.kind != "metadata"]

    def last(self, kind: str) -> Sent:
        return [sent for sent in self.sent if sent.kind == kind][-1]

    def answer(self, sent: Sent) -> Any:
        self.sent.append(sent)
        self.before_answering(sent.kind)
        if self.next[sent.kind]:
            return self.next[sent.kind].pop(0)
        if sent.kind in self.always:
            return self.always[sent.kind]
        return getattr(self, f"_{sent.kind}")(sent)

    def _metadata(self, sent: Sent) -> Any:
        return 200, metadata_of(sent.url.partition("/.well-known/")[0])

    def _refresh(self, sent: Sent) -> Any:
        new = id_token(n=len(self.sent))
        return 200, {"id_token": new, "access_token": "x", "token_type": "Bearer", "refresh_token": "canary-refresh-2"}

    def _token_exchange(self, sent: Sent) -> Any:
        return 200, exchanged()

    def _jwt_bearer(self, sent: Sent) -> Any:
        return 200, redeemed(access_token=f"canary-access-{os.urandom(4).hex()}")

    def _api(self, sent: Sent) -> Any:
        token = sent.headers["Authorization"].removeprefix("Bearer ")
        return (401, {"error": "invalid_token"}) if token in self.refused_tokens else (200, {"items": []})


def exchanged(**changes: Any) -> dict[str, Any]:
    """Return a good token exchange response, with `changes`; a change to None takes the parameter out."""
    good = {"issued_token_type": ID_JAG, "access_token": id_jag(), "token_type": "N_A", "expires_in": 300}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def redeemed(**changes: Any) -> dict[str, Any]:
    """Return a good access token response, with `changes`; a change to None takes the parameter out."""
    good = {"access_token": "canary-access-token", "token_type": "Bearer", "expires_in": 3600, "scope": "read write"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


world = World()


class PeersAdapter(BaseAdapter):
    """Answers every request from the `world`."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        form = dict(parse_qsl(str(request.body))) if "urlencoded" in request.headers.get("Content-Type", "") else {}
        url = str(request.url)
        sent = Sent(_kind(url, form), url, dict(request.headers), form)
        if log := os.environ.get("PEERS_LOG"):
            with open(log, "a") as file:
                file.write(f"{sent.kind}\n")
        answer = world.answer(sent)
        if isinstance(answer, Exception):
            raise answer
        status, body, *more = answer
        response = requests.Response()
        response.status_code, response.url, response.request = status, url, request
        response.headers["Content-Type"] = "application/json"
        for extra in more:
            response.headers.update(extra if isinstance(extra, dict) else {"Content-Type": extra})
        response._content_consumed = True
        response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return response

    def close(self) -> None:
        pass


def _kind(url: str, form: dict[str, str]) -> str:
    path = urlsplit(url).path
    if "/.well-known/" in path:
        return "metadata"
    if path.startswith("/api"):
        return "api"
    return {"refresh_token": "refresh"}.get(form["grant_type"], form["grant_type"].rpartition(":")[2].replace("-", "_"))


def session() -> requests.Session:
    """Return a session that reaches only the peers."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", PeersAdapter())
    session.mount("https://", PeersAdapter())
    return session


class MemoryStore:
    """Subject tokens in a dict. A new ID token with the claim `bad` is refused."""

    kept: dict[Any, SubjectTokens] = {}
    lock = threading.Lock()

    def load(self, user: Any) -> SubjectTokens | None:
        return self.kept.get(user.pk)

    def replace(self, user: Any, *, id_token: str, refresh_token: str) -> SubjectTokens:
        claims = json.loads(base64.urlsafe_b64decode(id_token.split(".")[1] + "=="))
        if claims.get("bad"):
            raise SubjectTokenRefused("the signature is not right")
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        with self.lock:
            self.kept[user.pk] = replace(
                self.kept[user.pk], id_token=id_token, refresh_token=refresh_token, id_token_expires_at=expires_at
            )
            return self.kept[user.pk]

    def discard(self, user: Any) -> None:
        self.kept.pop(user.pk, None)


def subject_tokens(*, seconds: int = 600, refresh_token: str = "canary-refresh-1", **changes: Any) -> SubjectTokens:
    """Return subject tokens whose ID token expires in `seconds`."""
    exp = int(time.time()) + seconds
    tokens = SubjectTokens(
        issuer=IDP,
        client_id="wiki0",
        client_secret=WIKI_SECRET,
        auth_method="client_secret_basic",
        id_token=id_token(exp=exp),
        id_token_expires_at=datetime.fromtimestamp(exp, UTC),
        refresh_token=refresh_token,
    )
    return replace(tokens, **changes)


def sign_in(user: Any, **changes: Any) -> SubjectTokens:
    """Let `user` have signed in."""
    MemoryStore.kept[user.pk] = subject_tokens(**changes)
    return MemoryStore.kept[user.pk]
