"""Wiki0 authenticates by its key instead of a secret: at the embedded IdP and at Todo0, set up by the commands."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from pytest_django import Settings

from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tenants.models import SubjectTokens
from tests.support.client_keys import new_pem
from tests.support.commands import run
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from wiki.models import RecordedStep

BOB = "bob@tables.fake"
JWT_BEARER_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def use_key(settings: Settings) -> Callable[[str], None]:
    """Let Wiki0 sign with another key from now on."""

    def use(pem: str) -> None:
        settings.CROSSAPP_REQUESTING_APP = settings.CROSSAPP_REQUESTING_APP | {"CLIENT_SIGNING_KEY": pem}

    return use


@pytest.fixture
def keys(demo: Demo, use_key: Callable[[str], None], tmp_path: Path) -> Path:
    """Register Wiki0 by its key at both servers; return the file with its public half."""
    use_key(new_pem())
    file = tmp_path / "wiki0.jwks.json"
    file.write_text(run("clientjwks"))
    run("createclient", "--at", "customer1", "--client-id", "wiki0", "--jwks", str(file))
    run("createclient", "--at", "todo", "--client-id", "wiki0-at-todo0", "--jwks", str(file))
    run(
        "connectidp",
        "--tenant",
        "customer1",
        "--app",
        "wiki",
        "--auth-method",
        "private_key_jwt",
        "--client-secret",
        "",
    )
    todo0 = ResourceApp.objects.get()
    todo0.auth_method, todo0.client_secret = "private_key_jwt", ""
    todo0.save()
    return file


def of_somebody_else(key_set: Path) -> Path:
    """Return a key set beside `key_set` that has the same key id and another key."""
    (registered,) = json.loads(key_set.read_text())["keys"]
    stranger = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
    file = key_set.with_name("somebody-else.jwks.json")
    file.write_text(json.dumps({"keys": [registered | {name: stranger[name] for name in ("x", "y")}]}))
    return file


def assertions(demo: Demo) -> list[str]:
    """Return the client assertions that went over the wire."""
    forms = [parse_qs(exchange.body) for exchange in demo.network.to("/oauth2/v1/token")]
    return [assertion for form in forms for assertion in form.get("client_assertion", [])]


def everything_shown(demo: Demo) -> str:
    """Return what is recorded of the exchanges and what Wiki0 shows of it."""
    console = demo.browser.get("http://wiki.localhost:8000/debug-console")
    return repr(list(RecordedStep.objects.values())) + console.response.content.decode()


@pytest.mark.clause(
    "OIDC Core", "9", "private_key_jwt at the IdP and at the resource app, from the sign-in to the card"
)
def test_a_card_is_fetched_without_any_client_secret(demo: Demo, keys: Path) -> None:
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    assert demo.exchanges() == ["token-exchange", "jwt-bearer"]
    forms = [parse_qs(exchange.body) for exchange in demo.network.to("/oauth2/v1/token")]
    assert [form["client_id"] for form in forms] == [["wiki0"], ["wiki0"], ["wiki0-at-todo0"]]
    assert all(form["client_assertion_type"] == [JWT_BEARER_TYPE] for form in forms)
    assert not any("client_secret" in form for form in forms)
    assert len(set(assertions(demo))) == 3
    assert not any(assertion in everything_shown(demo) for assertion in assertions(demo))


@pytest.mark.parametrize(
    ("at", "client_id", "host", "text"),
    [
        (
            "customer1",
            "wiki0",
            "customer1.idp.localhost:8000",
            "Your organisation's identity provider refused Wiki0's request",
        ),
        ("todo", "wiki0-at-todo0", "todo.localhost:8000", "Todo0 refused the grant"),
    ],
)
@pytest.mark.clause("RFC 7523", "3", "an assertion signed with another key is invalid_client, and a short reason")
def test_another_key_than_the_registered_one_is_refused_in_few_words(
    demo: Demo, keys: Path, at: str, client_id: str, host: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(demo.browser, "wiki", BOB)
    run("createclient", "--at", at, "--client-id", client_id, "--jwks", str(of_somebody_else(keys)))

    (card,) = demo.unfurl([demo.link_to(BOB)])

    assert card["card"] is None
    assert (card["reason"]["code"], card["reason"]["text"]) == ("not_set_up", text)
    last = demo.network.to("/oauth2/v1/token")[-1]
    assert (urlsplit(last.url).netloc, last.status) == (host, 401)
    assert (RecordedStep.objects.get(status=401).response or {})["error"] == "invalid_client"
    assert not StoredAccessToken.objects.exists()
    (logged,) = [record.message for record in caplog.records if "cross-app access failed" in record.message]
    assert "cause=refused" in logged and "invalid_client" in logged
    told = caplog.text + everything_shown(demo) + json.dumps(card)
    assert assertions(demo)
    assert not any(assertion in told for assertion in assertions(demo))


@pytest.mark.parametrize("key", ["another", "none"])
def test_a_sign_in_without_the_registered_key_fails_with_a_short_reason(
    demo: Demo, keys: Path, use_key: Callable[[str], None], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    use_key(new_pem() if key == "another" else "")
    page = demo.browser.sign_in("wiki", BOB)
    assert page.status == 502
    assert "sent an invalid answer" in page.text
    assert not SubjectTokens.objects.exists()
    told = caplog.text + page.response.content.decode()
    assert len(assertions(demo)) == (1 if key == "another" else 0)
    assert not any(assertion in told for assertion in assertions(demo))
    assert "PRIVATE KEY" not in told
