"""What connectidp makes of the metadata: the method it chooses, the differences it tells, and its options for them."""

from typing import Any

import pytest
from django.core.management import CommandError
from pytest_django import Settings

from tenants.models import IdPConnection, Tenant
from tests.support.client_keys import new_pem
from tests.support.commands import run, run_json
from tests.tenants.test_connectidp import ACME, ISSUER, NEW

AGAIN = ("--tenant", "acme", "--app", "todo")
KEYLESS = (*ACME, "--issuer", ISSUER, "--client-id", "0oa1")


@pytest.fixture
def metadata(documents: dict[str, Any]) -> dict[str, Any]:
    """The metadata of the IdP of Acme."""
    document: dict[str, Any] = next(iter(documents.values()))
    return document


@pytest.fixture
def signing_key(settings: Settings) -> None:
    settings.CROSSAPP_REQUESTING_APP = settings.CROSSAPP_REQUESTING_APP | {"CLIENT_SIGNING_KEY": new_pem()}


def refusal_of(*arguments: str) -> str:
    """Return the one line in which a connection is refused; nothing is saved."""
    with pytest.raises(CommandError) as refusal:
        run("connectidp", *arguments)
    assert not Tenant.objects.exists()
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


# --- The client's authentication ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "line"),
    [
        (
            ["client_secret_post", "client_secret_basic"],
            "0oa1 (client_secret_basic; the IdP takes client_secret_post, client_secret_basic)",
        ),
        (
            ["client_secret_post", "private_key_jwt"],
            "0oa1 (client_secret_post; the IdP takes client_secret_post, private_key_jwt)",
        ),
        (None, "0oa1 (client_secret_basic; the IdP takes client_secret_basic (the default))"),
    ],
)
@pytest.mark.clause("RFC 8414", "2", "token_endpoint_auth_methods_supported")
def test_a_new_connection_gets_a_method_that_the_idp_takes_and_the_output_says_why(
    metadata: dict[str, Any], taken: list[str] | None, line: str
) -> None:
    if taken:
        metadata["token_endpoint_auth_methods_supported"] = taken
    assert f"  client identifier         {line}\n" in run("connectidp", *NEW)
    assert IdPConnection.objects.get().auth_method == line.split("(")[1].partition(";")[0]


@pytest.mark.usefixtures("signing_key")
def test_without_a_secret_and_with_a_signing_key_the_key_is_used(metadata: dict[str, Any]) -> None:
    metadata["token_endpoint_auth_methods_supported"] = ["client_secret_basic", "private_key_jwt"]
    assert run_json("connectidp", *KEYLESS)["auth_method"] == "private_key_jwt"
    assert (
        run_json("connectidp", *NEW[:-4], "--app", "wiki", "--client-id", "0oa2", "--client-secret", "x")["auth_method"]
        == "client_secret_basic"
    )


@pytest.mark.usefixtures("metadata")
def test_without_a_secret_and_without_a_signing_key_the_secret_is_asked_for() -> None:
    assert refusal_of(*KEYLESS).endswith("A new one needs --client-secret.")


@pytest.mark.usefixtures("metadata")
def test_without_reading_the_metadata_the_default_is_taken_and_nothing_is_compared() -> None:
    facts = run_json("connectidp", *NEW, "--no-fetch")
    assert (facts["auth_method"], facts["comparisons"]) == ("client_secret_basic", [])
    assert "(client_secret_basic)" in run("connectidp", *AGAIN, "--no-fetch")


@pytest.mark.parametrize("given", [(), ("--auth-method", "client_secret_basic")], ids=["stored", "given"])
def test_a_method_that_the_idp_does_not_take_is_refused_with_those_it_takes(
    metadata: dict[str, Any], given: tuple[str, ...]
) -> None:
    run("connectidp", *NEW)
    metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post", "private_key_jwt"]
    with pytest.raises(CommandError) as refusal:
        run("connectidp", *AGAIN, "--no-jit", *given)
    assert str(refusal.value) == (
        f"The issuer {ISSUER} cannot be connected: client authentication: expected client_secret_basic, found "
        "client_secret_post, private_key_jwt. Use client_secret_post or private_key_jwt."
    )
    assert IdPConnection.objects.get().provisions_users is True
    assert run_json("connectidp", *AGAIN, "--auth-method", "client_secret_post")["auth_method"] == "client_secret_post"


# --- The other differences ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "offered", "why"),
    [
        ("id_token_signing_alg_values_supported", ["HS256"], "ID token algorithms: expected one of RS256"),
        ("code_challenge_methods_supported", ["plain"], "PKCE: expected S256, found plain."),
        ("grant_types_supported", ["implicit"], "sign-in grant: expected authorization_code, found implicit."),
    ],
)
def test_an_idp_at_which_no_sign_in_can_work_is_refused(
    metadata: dict[str, Any], member: str, offered: list[str], why: str
) -> None:
    metadata[member] = offered
    assert why in refusal_of(*NEW)
    assert run_json("connectidp", *NEW, "--disable")["enabled"] is False


def test_a_difference_that_leaves_sign_in_possible_is_printed_and_in_the_json(metadata: dict[str, Any]) -> None:
    metadata["grant_types_supported"] = ["authorization_code", "refresh_token"]
    metadata["scopes_supported"] = ["openid", "profile", "email"]
    text = run("connectidp", *NEW)
    lines = text.partition("The IdP's metadata differ from what the app needs:\n")[2].splitlines()[:2]
    assert lines[0].startswith("  refresh tokens: expected offline_access, found openid, profile, email. Cards end")
    assert lines[1].startswith("  token exchange: expected urn:ietf:params:oauth:grant-type:token-exchange, found auth")
    comparisons = run_json("connectidp", *AGAIN)["comparisons"]
    assert {each["name"] for each in comparisons if each["severity"] == "warning"} == {
        "refresh tokens",
        "token exchange",
    }
    assert all(set(each) == {"name", "expected", "found", "severity", "remedy"} for each in comparisons)


def test_an_issuer_of_any_person_is_warned_of_until_a_claim_names_the_tenant_or_accounts_are_not_made(
    documents: dict[str, Any],
) -> None:
    (document,) = documents.values()
    issuer = "https://accounts.google.com"
    documents[f"{issuer}/.well-known/openid-configuration"] = document | {"issuer": issuer}
    warning = "  tenant claim: expected hd, found none. Any person can open an account at this issuer"
    assert warning in run("connectidp", *ACME, "--issuer", issuer, *NEW[-4:])
    assert "tenant claim:" not in run("connectidp", *AGAIN, "--no-jit")
    assert warning in run("connectidp", *AGAIN, "--jit")
    assert "tenant claim:" not in run("connectidp", *AGAIN, "--tenant-claim", "hd", "--tenant-value", "acme.example")


@pytest.mark.usefixtures("metadata")
def test_nothing_is_said_of_an_idp_that_agrees() -> None:
    assert "differ" not in run("connectidp", *NEW)


@pytest.mark.parametrize(
    "form", [".well-known/oauth-authorization-server/t1", "t1/.well-known/oauth-authorization-server"]
)
@pytest.mark.clause("RFC 8414", "3.1", "an IdP with OAuth metadata only, its issuer with a path")
def test_an_idp_with_oauth_metadata_only_is_connected(documents: dict[str, Any], form: str) -> None:
    (document,) = documents.values()
    documents.clear()
    issuer = f"{ISSUER}/t1"
    documents[f"{ISSUER}/{form}"] = document | {"issuer": issuer}
    assert run_json("connectidp", *ACME, "--issuer", issuer, *NEW[-4:])["issuer"] == issuer


def test_the_refusal_of_an_issuer_without_metadata_names_each_url(documents: dict[str, Any]) -> None:
    documents[f"{ISSUER}/other"] = documents.pop(f"{ISSUER}/.well-known/openid-configuration")
    assert refusal_of(*NEW) == (
        f"The issuer {ISSUER} cannot be connected: {ISSUER}/.well-known/openid-configuration answered 404; "
        f"{ISSUER}/.well-known/oauth-authorization-server answered 404."
    )


# --- The options for what IdPs do differently ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "facts", "line"),
    [
        (("--scope", "openid groups"), {"scope": "openid groups"}, "scopes at sign-in         openid groups"),
        (("--prompt", "consent"), {"prompt": "consent"}, "prompt at sign-in         consent"),
        (("--clock-skew", "60"), {"clock_skew": 60}, "clock skew                60 seconds"),
        (
            ("--trust-absent-email-verified",),
            {"trusts_absent_email_verified": True},
            "no email_verified         counts as true for the tenant's domains",
        ),
        (
            ("--trust-false-email-verified",),
            {"trusts_false_email_verified": True},
            "email_verified: false     counts as true for the tenant's domains",
        ),
        (
            ("--tenant-claim", "tid", "--tenant-value", "42"),
            {"tenant_claim": "tid", "tenant_value": "42"},
            "the tenant's claim        tid\n  the value of that claim   42",
        ),
    ],
)
@pytest.mark.usefixtures("metadata")
def test_an_option_is_stored_and_told_only_if_it_differs_from_the_default(
    arguments: tuple[str, ...], facts: dict[str, Any], line: str
) -> None:
    before = run_json("connectidp", *NEW)
    assert {name: before[name] for name in facts} != facts
    after = run_json("connectidp", *AGAIN, *arguments)
    assert {name: after[name] for name in facts} == facts
    connection, default = IdPConnection.objects.get(), IdPConnection()
    assert {name: getattr(connection, name) for name in facts} == facts
    assert {name: before[name] for name in facts} == {name: getattr(default, name) for name in facts}
    assert f"  {line}\n" in run("connectidp", *AGAIN)


@pytest.mark.usefixtures("metadata")
def test_each_of_these_options_can_be_undone() -> None:
    run("connectidp", *NEW, "--scope", "openid", "--prompt", "login", "--trust-absent-email-verified")
    facts = run_json("connectidp", *AGAIN, "--scope", "", "--prompt", "", "--no-trust-absent-email-verified")
    assert (facts["scope"], facts["prompt"], facts["trusts_absent_email_verified"]) == ("", "", False)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--scope", "profile"), "scope: openid must be among the scopes."),
        (("--scope", "openid  email"), "scope: Separate scopes by single spaces."),
        (("--prompt", "none"), "invalid choice: 'none'"),
        (("--clock-skew", "301"), "clock_skew: "),
        (("--tenant-claim", "tid"), "tenant_value: Enter a claim and its value, or neither."),
    ],
)
@pytest.mark.usefixtures("metadata")
def test_a_value_that_makes_no_sense_is_refused(arguments: tuple[str, ...], why: str) -> None:
    assert why in refusal_of(*NEW, *arguments)
