"""A client registered by its key redeems an ID-JAG, and each of its assertions authenticates it once."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.db import connection
from django.utils.http import urlencode
from oauth2_provider.models import get_access_token_model

from audit.models import AuditEvent
from authserver import client_assertion
from authserver.models import JWT_BEARER
from tenants.models import Realm
from tests.authserver.resource_servers import ResourceServer, make_resource_server
from tests.support.in_process import InProcessNetwork


def assert_not_authenticated(response: Any) -> None:
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.json()["error_description"] == "Client authentication failed."


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.clause("RFC 7523", "2.2", "TE-13 control RS-26")
def test_an_id_jag_is_redeemed_by_a_client_with_a_key(app: ResourceServer, alg: str) -> None:
    response = app.redeem(assertion=app.client_assertion(alg))
    body = response.json()
    assert response.status_code == 200, body
    assert (body["token_type"], body["scope"], body["resource"]) == ("Bearer", "read write", app.server.resource)
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    document = app.peers.browser.get("/.well-known/oauth-protected-resource/api").json()
    assert claims["aud"] == document["resource"]
    assert claims["iss"] == document["authorization_servers"][0]
    assert claims["client_id"] == "agent"
    assert app.call(body["access_token"]).status_code == 200


@pytest.mark.clause("RFC 7523", "3", "SEC-11")
def test_the_checks_that_a_client_assertion_passed_are_recorded(app: ResourceServer) -> None:
    used = app.client_assertion()
    for _ in range(2):
        app.redeem(assertion=used)
    first, replayed = AuditEvent.objects.filter(act="redemption").order_by("pk")
    passed = [f"client_assertion.{check.name}" for check in client_assertion.CHECKS]
    assert first.checks_passed[3 : 3 + len(passed) + 1] == [*passed, "client"]
    assert (replayed.failed_check, replayed.checks_passed[3:]) == ("client", passed[:-1])


@pytest.mark.clause("RFC 7523", "3", "(7) TE-13")
def test_the_same_assertion_sent_twice_brings_one_token(app: ResourceServer) -> None:
    used = app.client_assertion()
    assert app.redeem(assertion=used).status_code == 200
    assert_not_authenticated(app.redeem(assertion=used))
    assert get_access_token_model().objects.count() == 1
    assert app.redeem(assertion=app.client_assertion()).status_code == 200


@pytest.mark.clause("RFC 7523", "3", "(7) TE-13")
def test_it_is_spent_though_the_id_jag_is_refused(app: ResourceServer) -> None:
    used = app.client_assertion()
    refused = app.redeem(app.id_jag(exp=1), assertion=used)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert_not_authenticated(app.redeem(assertion=used))


@pytest.mark.clause("RFC 7523", "3", "(3) TE-13")
def test_an_assertion_for_the_other_app_brings_nothing(app: ResourceServer) -> None:
    other = {"todo": "http://wiki.localhost:8000", "wiki": "http://todo.localhost:8000"}[app.server.realm]
    for audience in (other, f"{other}/oauth2/v1/token"):
        assert_not_authenticated(app.redeem(assertion=app.client_assertion(aud=audience)))


@pytest.mark.clause("ID-JAG", "4.4.1", "TE-13: the ID-JAG is for another client")
def test_a_client_with_a_key_redeems_its_own_id_jags_only(app: ResourceServer) -> None:
    refused = app.redeem(app.id_jag(client_id="stranger"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.clause("OIDC Core", "9", "TE-07")
def test_a_client_with_a_key_is_refused_with_a_secret_or_nothing(app: ResourceServer) -> None:
    form = {"grant_type": JWT_BEARER, "assertion": app.id_jag()}
    for refused in (app.post("/oauth2/v1/token", form, "agent"), app.post("/oauth2/v1/token", form)):
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert app.post("/oauth2/v1/token", form | app.by_key()).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("realm", [Realm.TODO, Realm.WIKI])
@pytest.mark.clause("RFC 7523", "3", "(7) TE-13: of many at once, one is first")
def test_of_eight_threads_with_one_assertion_one_gets_a_token(
    realm: Realm, in_process_network: InProcessNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_resource_server(realm)
    app.token()
    used, id_jags = app.client_assertion(), [app.id_jag() for _ in range(8)]
    at_the_signature, verify, answers = threading.Barrier(8), client_assertion.verify_signature, []

    def together(*args: Any, **kwargs: Any) -> None:
        verify(*args, **kwargs)
        at_the_signature.wait(30)

    def redeem(id_jag: str) -> None:
        try:
            answers.append(app.redeem(id_jag, assertion=used))
        finally:
            connection.close()

    monkeypatch.setattr(client_assertion, "verify_signature", together)
    threads = [threading.Thread(target=redeem, args=[id_jag]) for id_jag in id_jags]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    assert get_access_token_model().objects.count() == 2


REDEEM = """
import sys
import django; django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from django.test import Client
from authserver import client_assertion
from base.outgoing import session
from tests.support.in_process import answering

verify = client_assertion.verify_signature

def together(*args, **kwargs):
    verify(*args, **kwargs)
    print("ready", flush=True)
    sys.stdin.readline()

client_assertion.verify_signature = together
with answering(session()):
    browser = Client(headers={"host": sys.argv[2]})
    response = browser.post("/oauth2/v1/token", sys.argv[3], content_type="application/x-www-form-urlencoded")
print(response.status_code)
"""


def process(*arguments: str) -> subprocess.Popen[str]:
    """Start a process that sends a token request, and waits for a line when its client assertion is about to be spent.

    It is told the database of this test, the host and the body.
    """
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    root, pipes = Path(__file__).parents[2], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", REDEEM, *arguments]
    return subprocess.Popen(command, cwd=root, env=environment, **pipes)  # type: ignore[call-overload]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("RFC 7523", "3", "(7) TE-13: of two processes, one is first")
def test_of_two_processes_with_one_assertion_one_gets_a_token() -> None:
    app = make_resource_server(Realm.TODO)
    authentication = app.by_key()
    bodies = [urlencode({"grant_type": JWT_BEARER, "assertion": app.id_jag()} | authentication) for _ in range(2)]
    processes = [process(str(connection.settings_dict["NAME"]), app.host, body) for body in bodies]
    for each in processes:
        assert each.stdout.readline() == "ready\n"
    for each in processes:
        each.stdin.write("go\n")
        each.stdin.flush()
    statuses = [each.communicate(timeout=60)[0] for each in processes]
    assert sorted(statuses) == ["200\n", "401\n"]
    assert get_access_token_model().objects.count() == 1
