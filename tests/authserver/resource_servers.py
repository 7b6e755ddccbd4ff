"""Todo0's or Wiki0's authorization server, a tenant whose IdP it trusts, and the clients that redeem ID-JAGs there."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

from django.test import Client as Browser
from django.utils.http import urlencode

from authserver.access_tokens import sign
from authserver.client_assertion import ASSERTION_TYPE
from authserver.models import JWT_BEARER, AuthorizationServer, SigningKey
from tenants.models import IdPConnection, Realm, User
from tests.resource_app.fakes import compact, jwks
from tests.support.embedded_idp import EmbeddedIdP, make_idp

FORM = "application/x-www-form-urlencoded"


@dataclass
class ResourceServer:
    """One app as its peers meet it: `agent` has a key there, `gateway` is its resource server, with a secret."""

    server: AuthorizationServer
    peers: EmbeddedIdP
    idps: dict[str, EmbeddedIdP]

    @property
    def host(self) -> str:
        return self.peers.host

    def trust(self, slug: str) -> EmbeddedIdP:
        """Make a tenant with an IdP, and let the app trust that."""
        idp = self.idps[slug] = make_idp(slug)
        IdPConnection.objects.create(
            tenant=idp.server.tenant, app=self.server.realm, issuer=idp.server.issuer, client_id="x", client_secret="s"
        )
        return idp

    def id_jag(self, slug: str = "customer1", **changes: Any) -> str:
        """Return a good ID-JAG for `agent`, but for the claims given."""
        now, idp = int(time.time()), self.idps[slug].server
        claims = {
            "iss": idp.issuer,
            "sub": "bob",
            "aud": self.server.issuer,
            "client_id": "agent",
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 300,
            "resource": self.server.resource,
            "scope": "read write",
        }
        return sign(idp, claims | changes, typ="oauth-id-jag+jwt")

    def client_assertion(self, alg: str = "ES256", **changes: Any) -> str:
        """Return a good client assertion of `agent`, but for the claims given."""
        now, kid = int(time.time()), {"ES256": "ec", "EdDSA": "ed"}.get(alg, "rsa")
        claims = {"iss": "agent", "sub": "agent", "aud": self.server.issuer, "jti": uuid.uuid4().hex, "exp": now + 60}
        return compact({"typ": "JWT", "alg": alg, "kid": kid}, claims | changes, alg=alg)

    def by_key(self, assertion: str | None = None) -> dict[str, str]:
        """Return the form parameters by which `agent` authenticates."""
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.client_assertion(),
        }

    def redeem(self, id_jag: str | None = None, *, assertion: str | None = None, **more: Any) -> Any:
        """Let `agent` redeem an ID-JAG."""
        form = {"grant_type": JWT_BEARER, "assertion": id_jag or self.id_jag()} | self.by_key(assertion) | more
        return self.post("/oauth2/v1/token", form)

    def token(self, id_jag: str | None = None, **more: Any) -> str:
        """Return an access token of `agent` for Bob of customer1, or for whom the ID-JAG says."""
        response = self.redeem(id_jag, **more)
        assert response.status_code == 200, response.content
        return str(response.json()["access_token"])

    def post(self, path: str, form: dict[str, Any], client_id: str | None = None, **headers: str) -> Any:
        """Send a form; the client of that identifier authenticates by its secret."""
        if client_id:
            headers["authorization"] = self.peers.basic(client_id)
        browser = Browser(headers={"host": self.host})
        return browser.post(path, urlencode(form, doseq=True), content_type=FORM, headers=headers)

    def introspect(self, token: str, client_id: str | None = "gateway") -> Any:
        """Ask about `token` as that client, or by key as `agent`."""
        if client_id == "agent":
            return self.post("/oauth2/v1/introspect", {"token": token} | self.by_key())
        return self.post("/oauth2/v1/introspect", {"token": token}, client_id)

    def call(self, token: str, path: str = "/api/users/me", *, method: str = "GET", **headers: str) -> Any:
        """Call the app's API with `token`."""
        headers = {"host": self.host, "authorization": f"Bearer {token}"} | headers
        return Browser(headers=headers).generic(method, path)

    def account(self, slug: str = "customer1") -> User:
        """Return Bob's account at the app, which his first ID-JAG has made."""
        return User.objects.get(realm=self.server.realm, tenant__slug=slug)


def make_resource_server(realm: Realm) -> ResourceServer:
    server = AuthorizationServer.objects.create(realm=realm, issuer=f"http://{realm}.localhost:8000")
    SigningKey.generate(server, SigningKey.Status.ACTIVE)
    app = ResourceServer(server, EmbeddedIdP(server), {})
    key = {"auth_method": "private_key_jwt", "jwks": {"keys": jwks()}}
    app.peers.register("agent", grants=[JWT_BEARER], scope="read write", redirect_uris="", **key)
    app.peers.register("gateway", grants=[], resource=server.resource, redirect_uris="")
    app.peers.register("stranger", grants=[JWT_BEARER], scope="read write", redirect_uris="")
    app.trust("customer1")
    return app
