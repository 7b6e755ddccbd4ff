"""private_key_jwt (RFC 7523 sections 2.2 and 3): from one good assertion, break one thing at a time.

The requests carry a broken ID-JAG: a client that authenticates gets 400 invalid_grant, any other 401.
"""

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.core.cache import cache
from django.test import Client as Browser
from django.utils.http import urlencode

from authserver.access_tokens import sign
from authserver.client_assertion import ASSERTION_TYPE, CHECKS
from authserver.models import JWT_BEARER, AuthorizationServer, Client, SigningKey
from base import issuers
from crossapp.core.keys import Keys
from crossapp.resource_app.models import ConsumedJti
from tenants.models import Realm
from tests.resource_app.broken_id_jags import ALGORITHMS
from tests.resource_app.fakes import ABSENT, EC_KEY, ED_KEY, KIDS, RSA_KEY, b64, compact, ec_jwk, ed_jwk, jwks, rsa_jwk
from tests.support.embedded_idp import EmbeddedIdP, make_idp

ISSUER = "http://todo.localhost:8000"
TOKEN_ENDPOINT = f"{ISSUER}/oauth2/v1/token"
JWKS_URI = "http://agent.localhost:9000/jwks.json"


@dataclass
class Todo:
    """Todo0's authorization server, where the client `agent` has a key for every algorithm."""

    server: AuthorizationServer
    client: Client

    def send(self, assertion: str | None, path: str = "/oauth2/v1/token", *, basic: str = "", **changes: Any) -> Any:
        form: dict[str, Any] = {
            "grant_type": JWT_BEARER,
            "assertion": "x",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        } | changes
        headers = {"authorization": basic} if basic else {}
        body = urlencode({name: value for name, value in form.items() if value is not None}, doseq=True)
        return Browser(headers={"host": "todo.localhost:8000"}).post(
            path, body, content_type="application/x-www-form-urlencoded", headers=headers
        )


@pytest.fixture
def todo(db: None) -> Todo:
    server = AuthorizationServer.objects.create(realm=Realm.TODO, issuer=ISSUER)
    client, _ = Client.register(
        server=server,
        client_id="agent",
        auth_method="private_key_jwt",
        jwks={"keys": jwks()},
        grants=[JWT_BEARER],
        scope="read",
    )
    return Todo(server, client)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": "agent", "sub": "agent", "aud": ISSUER, "jti": uuid.uuid4().hex, "iat": now, "exp": now + 60}
    return {name: value for name, value in (good | changes).items() if value is not ABSENT}


def assertion(*, alg: str = "RS256", key: Any = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a good client assertion, but for the header members and claims given: ABSENT leaves one out."""
    full = {"typ": "JWT", "alg": alg, "kid": KIDS[alg], **(header or {})}
    return compact(
        {name: value for name, value in full.items() if value is not ABSENT}, claims(**changes), alg=alg, key=key
    )


def is_authenticated(response: Any) -> bool:
    """Say whether the client got as far as its broken ID-JAG."""
    assert response["Cache-Control"] == "no-store"
    if (response.status_code, response.json()["error"]) == (400, "invalid_grant"):
        return True
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), response.content
    assert response.json()["error_description"] == "Client authentication failed."
    return False


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("aud", [ISSUER, [ISSUER]])
@pytest.mark.clause("RFC 7523", "3", "TE-13 control")
def test_a_good_assertion_authenticates_without_a_client_id(todo: Todo, alg: str, aud: Any) -> None:
    assert is_authenticated(todo.send(assertion(alg=alg, aud=aud)))


@pytest.mark.parametrize("aud", [TOKEN_ENDPOINT, [TOKEN_ENDPOINT]])
@pytest.mark.clause("rfc7523bis-11", "4", "the token endpoint is no audience, but for a client registered so")
def test_the_token_endpoint_is_an_audience_only_for_a_client_registered_so(todo: Todo, aud: Any) -> None:
    assert not is_authenticated(todo.send(assertion(aud=aud)))
    todo.client.token_endpoint_audience = True
    todo.client.save()
    for audience in (aud, ISSUER):
        assert is_authenticated(todo.send(assertion(aud=audience)))
    for audience in ([ISSUER, TOKEN_ENDPOINT], f"{TOKEN_ENDPOINT}/", f"{ISSUER}/oauth2/v1/revoke"):
        assert not is_authenticated(todo.send(assertion(aud=audience)))


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": ABSENT},
        {"header": {"typ": ABSENT}},
        {"header": {"typ": "client-authentication+jwt"}},
        {"header": {"kid": ABSENT}, "alg": "ES256"},
        {"nbf": 1},
        {"exp": lambda: int(time.time()) + 299, "iat": ABSENT},  # not now: the tests before it take minutes
        {"unknown": {"claim": True}, "header": {"jku": "https://evil.example/keys", "x5u": "https://evil.example"}},
    ],
    ids=["no iat", "no typ", "typ of rfc7523bis", "no kid and one key that fits", "nbf", "exp near", "unknown ignored"],
)
@pytest.mark.clause("RFC 7523", "3", "TE-13 control")
def test_what_may_be_left_out_or_added_is_no_reason_to_refuse(todo: Todo, changes: dict[str, Any]) -> None:
    claims = {name: value() if callable(value) else value for name, value in changes.items()}
    assert is_authenticated(todo.send(assertion(**claims)))


def at(seconds: int) -> int:
    return int(time.time()) + seconds


BROKEN: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no JWT": lambda: "x",
    "two parts": lambda: assertion().rpartition(".")[0],
    "four parts": lambda: assertion() + ".x",
    "padding": lambda: assertion() + "=",
    "line break": lambda: assertion() + "\n",
    "too long": lambda: assertion(x="x" * 20_000),
    "header no object": lambda: compact(b"[]", claims(), alg="RS256"),
    "payload no object": lambda: compact({"alg": "RS256", "kid": "rsa"}, b'"agent"', alg="RS256"),
    "deep payload": lambda: compact({"alg": "RS256", "kid": "rsa"}, b'{"sub":' + b"[" * 9000, alg="RS256"),
    "claim twice": lambda: compact(
        {"alg": "RS256", "kid": "rsa"}, json.dumps(claims())[:-1].encode() + b',"sub":"agent"}', alg="RS256"
    ),
    "typ of an ID-JAG": lambda: assertion(header={"typ": "oauth-id-jag+jwt"}),
    "typ of an access token": lambda: assertion(header={"typ": "at+jwt"}),
    "typ of a logout token": lambda: assertion(header={"typ": "logout+jwt"}),
    "typ no text": lambda: assertion(header={"typ": ["JWT"]}),
    "alg none": lambda: compact({"alg": "none"}, claims(), alg="RS256"),
    "alg none unsigned": lambda: ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "none"}, claims())) + ".",
    "alg HS256": lambda: assertion(header={"alg": "HS256"}),
    "alg RS512": lambda: assertion(header={"alg": "RS512"}),
    "alg ES256 for an RSA key": lambda: assertion(header={"alg": "ES256"}),
    "alg missing": lambda: assertion(header={"alg": ABSENT}),
    "alg no text": lambda: assertion(header={"alg": ["RS256"]}),
    "crit": lambda: assertion(header={"crit": ["exp"]}),
    "crit empty": lambda: assertion(header={"crit": []}),
    "b64": lambda: assertion(header={"b64": False}),
    "kid unknown": lambda: assertion(header={"kid": "other"}),
    "kid of another type": lambda: assertion(header={"kid": "ec"}),
    "kid no text": lambda: assertion(header={"kid": 7}),
    "kid empty": lambda: assertion(header={"kid": ""}),
    "iss missing": lambda: assertion(iss=ABSENT),
    "iss another": lambda: assertion(iss="somebody"),
    "iss the server": lambda: assertion(iss=ISSUER),
    "sub missing": lambda: assertion(sub=ABSENT),
    "sub another": lambda: assertion(sub="somebody"),
    "sub no text": lambda: assertion(iss=["agent"], sub=["agent"]),
    "sub empty": lambda: assertion(iss="", sub=""),
    "client unknown": lambda: assertion(iss="nobody", sub="nobody"),
    "client in another case": lambda: assertion(iss="AGENT", sub="AGENT"),
    "client with NUL": lambda: assertion(iss="agent\0", sub="agent\0"),
    "aud missing": lambda: assertion(aud=ABSENT),
    "aud empty": lambda: assertion(aud=[]),
    "aud another server": lambda: assertion(aud="http://wiki.localhost:8000"),
    "aud another token endpoint": lambda: assertion(aud="http://customer1.idp.localhost:8000/oauth2/v1/token"),
    "aud with a slash": lambda: assertion(aud=f"{ISSUER}/"),
    "aud the revocation endpoint": lambda: assertion(aud=f"{ISSUER}/oauth2/v1/revoke"),
    "aud the API": lambda: assertion(aud=f"{ISSUER}/api"),
    "aud two": lambda: assertion(aud=[ISSUER, TOKEN_ENDPOINT]),
    "aud twice the same": lambda: assertion(aud=[ISSUER, ISSUER]),
    "aud no text": lambda: assertion(aud={"aud": ISSUER}),
    "exp missing": lambda: assertion(exp=ABSENT),
    "exp over": lambda: assertion(iat=at(-200), exp=at(-31)),
    "exp far": lambda: assertion(iat=ABSENT, exp=at(400)),
    "exp endless": lambda: assertion(iat=ABSENT, exp=10**19),
    "exp text": lambda: assertion(exp=str(at(60))),
    "exp true": lambda: assertion(exp=True),
    "exp null": lambda: assertion(exp=None),
    "iat in the future": lambda: assertion(iat=at(45)),
    "iat long ago": lambda: assertion(iat=at(-3600)),
    "iat after exp": lambda: assertion(iat=at(20), exp=at(10)),
    "iat text": lambda: assertion(iat="now"),
    "nbf in the future": lambda: assertion(nbf=at(45)),
    "nbf text": lambda: assertion(nbf="soon"),
    "jti missing": lambda: assertion(jti=ABSENT),
    "jti empty": lambda: assertion(jti=""),
    "jti no text": lambda: assertion(jti=7),
    "jti endless": lambda: assertion(jti="x" * 256),
    "signed by another key": lambda: assertion(alg="ES256", key=_other_ec_key()),
    "signature cut": lambda: assertion()[:-8],
    "payload of another": lambda: _spliced(assertion(), assertion(jti="another")),
    "key in the header": lambda: assertion(
        alg="ES256", key=_other_ec_key(), header={"jwk": ec_jwk(_other_ec_key(), "ec"), "kid": "ec"}
    ),
}


def _other_ec_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _spliced(signed: str, claimed: str) -> str:
    header, _, signature = signed.split(".")
    return f"{header}.{claimed.split('.')[1]}.{signature}"


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.clause("RFC 7523", "3", "TE-13")
def test_an_assertion_with_one_thing_wrong_is_refused(todo: Todo, name: str) -> None:
    assert not is_authenticated(todo.send(BROKEN[name]()))
    assert not ConsumedJti.objects.exists()


@pytest.mark.parametrize(
    "assertion_type",
    [None, "", "jwt-bearer", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", JWT_BEARER],
)
@pytest.mark.clause("RFC 7523", "2.2", "TE-13")
def test_an_assertion_of_another_type_is_refused(todo: Todo, assertion_type: str | None) -> None:
    assert not is_authenticated(todo.send(assertion(), client_assertion_type=assertion_type))


@pytest.mark.clause("RFC 7523", "2.2", "TE-06")
def test_a_type_without_an_assertion_is_no_authentication(todo: Todo) -> None:
    assert not is_authenticated(todo.send(None))


@pytest.mark.clause("RFC 7523", "3", "TE-13")
def test_an_assertion_is_used_once_at_whichever_endpoint(todo: Todo) -> None:
    used = assertion()
    assert is_authenticated(todo.send(used))
    assert not is_authenticated(todo.send(used))
    for path in ("/oauth2/v1/revoke", "/oauth2/v1/introspect"):
        assert todo.send(used, path, token="x").status_code == 401
        assert todo.send(assertion(), path, token="x").status_code == 200


@pytest.mark.clause("RFC 7523", "3", "TE-13")
def test_the_same_jti_of_another_client_is_another(todo: Todo) -> None:
    Client.register(server=todo.server, client_id="b", auth_method="private_key_jwt", jwks=todo.client.jwks)
    assert is_authenticated(todo.send(assertion(jti="1")))
    assert todo.send(assertion(jti="1", iss="b", sub="b"), "/oauth2/v1/introspect", token="x").status_code == 200


@pytest.mark.parametrize(
    "change",
    [{"is_active": False}, {"jwks": {}}, {"jwks": {"keys": []}}, {"jwks": {"keys": [rsa_jwk(RSA_KEY, "rsa", d="x")]}}],
    ids=["deactivated", "no key set", "empty key set", "private key"],
)
@pytest.mark.clause("OIDC Core", "9", "TE-11 TE-13")
def test_a_client_without_usable_keys_or_deactivated_is_refused(todo: Todo, change: dict[str, Any]) -> None:
    Client.objects.update(**change)
    assert not is_authenticated(todo.send(assertion()))


@pytest.mark.clause("RFC 8725", "3.1", "TE-13")
def test_a_key_is_used_with_its_own_algorithm_only(todo: Todo) -> None:
    Client.objects.update(jwks={"keys": [rsa_jwk(RSA_KEY, "rsa", alg="PS256")]})
    assert not is_authenticated(todo.send(assertion(alg="RS256")))
    assert is_authenticated(todo.send(assertion(alg="PS256")))


@pytest.mark.clause("RFC 7515", "4.1.4", "TE-13")
def test_without_a_kid_two_keys_that_fit_are_too_many(todo: Todo) -> None:
    Client.objects.update(jwks={"keys": [ec_jwk(EC_KEY, "1"), ec_jwk(EC_KEY, "2")]})
    assert not is_authenticated(todo.send(assertion(alg="ES256", header={"kid": ABSENT})))


@pytest.mark.parametrize("method", ["client_secret", "client_secret_basic", "client_secret_post"])
@pytest.mark.clause("OIDC Core", "9", "TE-07")
def test_a_client_registered_for_a_secret_is_refused_with_a_key(todo: Todo, method: str) -> None:
    Client.objects.update(auth_method=method)
    assert not is_authenticated(todo.send(assertion()))


@pytest.mark.clause("OIDC Core", "9", "TE-07")
def test_a_client_registered_for_a_key_is_refused_with_a_secret(todo: Todo) -> None:
    todo.client.client_secret = secret = "a-secret-that-the-client-should-not-have"
    todo.client.save()
    no_assertion = {"client_assertion_type": None}
    pair = {"client_id": "agent", "client_secret": secret}
    assert not is_authenticated(todo.send(None, **no_assertion, **pair))
    basic = EmbeddedIdP(todo.server, {"agent": secret}).basic("agent")
    assert not is_authenticated(todo.send(None, **no_assertion, basic=basic))
    todo.client.auth_method = "client_secret_post"
    todo.client.save()
    assert is_authenticated(todo.send(None, **no_assertion, **pair))  # control


@pytest.mark.parametrize(
    "second", [{"client_secret": "x"}, {"client_secret": ""}, {"basic": "Basic eDp5"}, {"basic": "Bearer x"}]
)
@pytest.mark.clause("RFC 6749", "2.3", "TE-12")
def test_two_ways_to_authenticate_at_once_are_refused(todo: Todo, second: dict[str, str]) -> None:
    response = todo.send(assertion(), **second)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "Use one authentication method" in response.json()["error_description"]
    assert not ConsumedJti.objects.exists()


@pytest.mark.clause("RFC 7521", "4.2", "TE-12")
def test_a_client_id_parameter_must_be_the_clients(todo: Todo) -> None:
    assert is_authenticated(todo.send(assertion(), client_id="agent"))
    response = todo.send(assertion(), client_id="other")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert response.json()["error_description"] == "client_id is not that of the authenticated client."


@pytest.mark.parametrize("name", ["client_assertion", "client_assertion_type"])
@pytest.mark.clause("RFC 6749", "3.2", "TE-13")
def test_a_repeated_parameter_is_refused(todo: Todo, name: str) -> None:
    value = {"client_assertion": assertion(), "client_assertion_type": ASSERTION_TYPE}[name]
    response = todo.send(assertion(), **{name: [value, value]})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("ID-JAG", "3.1", "TE-13")
def test_an_id_jag_of_our_own_idp_is_no_client_assertion(todo: Todo) -> None:
    idp = make_idp("customer1")
    jag = claims(iss=idp.server.issuer, sub="agent", client_id="agent", scope="read")
    for typ in ("oauth-id-jag+jwt", "JWT"):
        assert not is_authenticated(todo.send(sign(idp.server, jag, typ=typ)))


@pytest.mark.clause("RFC 7523", "3", "TE-13")
def test_a_token_that_the_server_has_signed_itself_is_none_either(todo: Todo) -> None:
    SigningKey.generate(todo.server, SigningKey.Status.ACTIVE)
    for typ in ("at+jwt", "JWT"):
        assert not is_authenticated(todo.send(sign(todo.server, claims(), typ=typ)))


@pytest.mark.clause("RFC 7523", "3", "TE-10 TE-13")
def test_a_client_of_another_server_is_unknown_here_and_its_assertion_is_for_there(todo: Todo) -> None:
    customer1, customer2 = make_idp("customer1"), make_idp("customer2")
    for idp in (customer1, customer2):
        idp.register("agent", auth_method="private_key_jwt", jwks={"keys": jwks()})
    form = {"token": "x", "client_assertion_type": ASSERTION_TYPE}
    for audience, status in ((customer1, 200), (customer2, 401)):
        signed = assertion(aud=audience.server.issuer)
        assert customer1.post("/oauth2/v1/revoke", form | {"client_assertion": signed}, None).status_code == status


@pytest.mark.clause("RFC 7523", "2.2", "TE-01 TE-13")
def test_the_exchange_of_an_idp_takes_a_client_that_signs(signed_in: EmbeddedIdP, id_token: str) -> None:
    keys = {"auth_method": "private_key_jwt", "jwks": {"keys": jwks()}, "token_endpoint_audience": True}
    Client.objects.filter(client_id="wiki0").update(**keys)
    for audience in (signed_in.server.issuer, signed_in.server.token_endpoint):
        signed = assertion(iss="wiki0", sub="wiki0", aud=audience)
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
        response = signed_in.exchange(id_token, client_id=None, **form)
        assert response.status_code == 200, response.content
        assert signed_in.exchange(id_token, client_id=None, **form).status_code == 401


@pytest.mark.clause("RFC 7523", "3", "TE-13")
def test_the_log_says_which_check_failed_and_the_answer_does_not(todo: Todo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    signed = assertion(aud="http://wiki.localhost:8000")
    todo.send(signed)
    line = next(record for record in caplog.records if "client assertion refused" in record.getMessage())
    facts = json.loads(line.getMessage().partition("refused ")[2])
    assert (facts["check"], facts["unverified_client"], facts["issuer"]) == ("aud", "agent", ISSUER)
    assert signed not in caplog.text
    assert all(check.run.__doc__ for check in CHECKS)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"iat": -200, "exp": -95}, r"the assertion has expired by 9[56] s; 30 s are accepted: compare the clocks$"),
        ({"iat": 95}, r"iat is in the future by 9[456] s; 30 s are accepted: compare the clocks$"),
        ({"nbf": 95}, r"nbf is in the future by 9[456] s; 30 s are accepted: compare the clocks$"),
    ],
    ids=str,
)
@pytest.mark.clause("RFC 7523", "3", "TE-13 LIM-13: the log says by how much the clocks differ")
def test_the_log_says_by_how_much_a_time_is_off(
    todo: Todo, caplog: pytest.LogCaptureFixture, changes: dict[str, int], detail: str
) -> None:
    caplog.set_level(logging.INFO)
    answer = todo.send(assertion(**{name: at(seconds) for name, seconds in changes.items()}))
    assert (answer.status_code, "clock" in answer.content.decode()) == (401, False)
    line = next(record for record in caplog.records if "client assertion refused" in record.getMessage())
    assert re.search(detail, json.loads(line.getMessage().partition("refused ")[2])["detail"])


# --- jwks_uri -------------------------------------------------------------------------------------------------------


class Publisher:
    """The session that fetches the client's key set."""

    def __init__(self) -> None:
        self.keys: list[Any] | None = jwks()
        self.requested: list[str] = []

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        self.requested.append(url)
        if self.keys is None:
            raise requests.ConnectTimeout("down")
        response = requests.Response()
        response.status_code, response.url, response._content = 200, url, json.dumps({"keys": self.keys}).encode()
        return response


@pytest.fixture
def published(todo: Todo, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """The client publishes its keys at JWKS_URI."""
    publisher = Publisher()
    monkeypatch.setattr(issuers, "_keys", Keys(cache, lambda: publisher))
    Client.objects.update(jwks={}, jwks_uri=JWKS_URI)
    return publisher


@pytest.mark.clause("RFC 7591", "2", "TE-13 jwks_uri")
def test_published_keys_are_fetched_once_and_a_new_kid_only_after_the_cool_down(
    todo: Todo, published: Publisher
) -> None:
    assert is_authenticated(todo.send(assertion()))
    assert is_authenticated(todo.send(assertion(alg="ES256")))
    published.keys = [ed_jwk(ED_KEY, "new")]
    for _ in range(3):
        assert not is_authenticated(todo.send(assertion(alg="EdDSA", header={"kid": "new"})))
    assert published.requested == [JWKS_URI]


@pytest.mark.clause("RFC 7591", "2", "TE-13 jwks_uri")
def test_nothing_is_fetched_for_what_can_be_refused_without(todo: Todo, published: Publisher) -> None:
    for broken in (assertion(aud="x"), assertion(iss="nobody", sub="nobody"), assertion(exp=1), assertion(jti="")):
        assert not is_authenticated(todo.send(broken))
    assert published.requested == []


@pytest.mark.clause("RFC 7591", "2", "TE-13 jwks_uri")
def test_a_key_set_that_can_not_be_had_reads_like_any_other_failure(todo: Todo, published: Publisher) -> None:
    published.keys = None
    assert not is_authenticated(todo.send(assertion()))


@pytest.mark.clause("OIDC Core", "10.1.1", "MT-22")
def test_a_client_with_keys_changes_them_with_an_overlap_and_then_the_old_one_is_refused(todo: Todo) -> None:
    def register(*keys: dict[str, Any]) -> None:
        Client.objects.filter(pk=todo.client.pk).update(jwks={"keys": list(keys)})

    def work() -> list[bool]:
        return [is_authenticated(todo.send(assertion(alg=alg))) for alg in ("ES256", "EdDSA")]

    old, new = ec_jwk(EC_KEY, "ec"), ed_jwk(ED_KEY, "ed")
    register(old)
    assert work() == [True, False]
    register(old, new)
    assert work() == [True, True], "while the client changes over"
    register(new)
    assert work() == [False, True]
