"""Connecting a tenant's IdP by command: what it does, what it says, what it refuses."""

import io
from typing import Any

import pytest
from django.core.management import CommandError
from pytest_django import Settings

from idjag_demo.demo.seed import seed
from tenants.models import EmailDomain, IdPConnection, Tenant
from tests.support.client_keys import new_pem
from tests.support.commands import run, run_json
from tests.support.demo import Demo
from tests.support.in_process import Browser, InProcessNetwork, sign_in
from tests.tenants.conftest import ACME_ISSUER as ISSUER

ACME = ("--tenant", "acme", "--name", "Acme", "--domain", "acme.example", "--app", "todo")
CLIENT = ("--client-id", "0oa1", "--client-secret", "s3cret")
NEW = (*ACME, "--issuer", ISSUER, *CLIENT)


@pytest.mark.usefixtures("documents")
def test_a_new_tenant_is_connected_with_its_domain() -> None:
    facts = run_json("connectidp", *NEW, "--domain", "ACME.test")
    assert {comparison["severity"] for comparison in facts.pop("comparisons")} == {"pass"}
    assert facts == {
        "tenant": "acme",
        "name": "Acme",
        "domains": ["acme.example", "acme.test"],
        "app": "todo",
        "issuer": ISSUER,
        "client_id": "0oa1",
        "auth_method": "client_secret_basic",
        "jit": True,
        "id_jags": True,
        "single_use": True,
        "tells_access_denied": False,
        "requires_resource": False,
        "scope": "",
        "prompt": "",
        "clock_skew": 30,
        "trusts_absent_email_verified": False,
        "trusts_false_email_verified": False,
        "tenant_claim": "",
        "tenant_value": "",
        "enabled": True,
        "redirect_uri": "http://todo.localhost:8000/sign-in/callback",
        "post_logout_redirect_uri": "http://todo.localhost:8000/signed-out",
        "audience": "http://todo.localhost:8000",
        "resource": "http://todo.localhost:8000/api",
        "created": True,
    }
    connection = IdPConnection.objects.get()
    assert (connection.tenant.slug, connection.client_secret) == ("acme", "s3cret")


@pytest.mark.usefixtures("documents")
def test_it_may_be_repeated() -> None:
    first = run_json("connectidp", *NEW)
    rows = list(IdPConnection.objects.values())
    assert run_json("connectidp", *NEW) == first | {"created": False}
    assert list(IdPConnection.objects.values()) == rows
    assert (Tenant.objects.count(), EmailDomain.objects.count()) == (1, 1)


@pytest.mark.usefixtures("documents")
def test_what_is_not_named_stays_as_it_is() -> None:
    run("connectidp", *NEW, "--no-jit", "--auth-method", "client_secret_post")
    facts = run_json("connectidp", "--tenant", "acme", "--app", "todo", "--client-id", "0oa2")
    assert facts["client_id"] == "0oa2"
    assert (facts["name"], facts["jit"], facts["auth_method"]) == ("Acme", False, "client_secret_post")
    assert IdPConnection.objects.get().client_secret == "s3cret"
    assert run_json("connectidp", "--tenant", "acme", "--app", "todo", "--jit")["jit"] is True


def test_a_connection_is_switched_off_while_its_idp_is_down(documents: dict[str, Any]) -> None:
    run("connectidp", *NEW)
    documents.clear()
    assert run_json("connectidp", "--tenant", "acme", "--app", "todo", "--disable")["enabled"] is False
    with pytest.raises(CommandError, match="does not answer"):
        run("connectidp", "--tenant", "acme", "--app", "todo", "--enable")
    assert run_json("connectidp", "--tenant", "acme", "--app", "todo", "--enable", "--no-fetch")["enabled"] is True


@pytest.mark.usefixtures("documents")
def test_the_secret_is_read_from_standard_input_and_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("from-a-pipe\n"))
    arguments = (*ACME, "--issuer", ISSUER, "--client-id", "0oa1", "--client-secret", "-")
    assert "from-a-pipe" not in run("connectidp", *arguments)
    assert IdPConnection.objects.get().client_secret == "from-a-pipe"


@pytest.mark.usefixtures("documents")
def test_it_says_what_to_register_and_for_todo0_what_to_allow() -> None:
    text = run("connectidp", *NEW)
    for line in (
        "redirect URI              http://todo.localhost:8000/sign-in/callback",
        "post-logout redirect URI  http://todo.localhost:8000/signed-out",
        "audience                  http://todo.localhost:8000",
        "resource                  http://todo.localhost:8000/api",
    ):
        assert line in text
    wiki = run("connectidp", *ACME[:-1], "wiki", "--issuer", ISSUER, *CLIENT)
    assert "http://wiki.localhost:8000/sign-in/callback" in wiki
    assert "audience" not in wiki


@pytest.mark.parametrize("said", [f"{ISSUER}/", "https://IDP.acme.example", f"{ISSUER}:443"])
@pytest.mark.clause("RFC 8414", "3.3", "issuer byte-equal")
def test_another_spelling_of_the_issuer_is_refused_and_both_are_shown(documents: dict[str, Any], said: str) -> None:
    documents[f"{said.rstrip('/')}/.well-known/openid-configuration"] = next(iter(documents.values()))
    with pytest.raises(CommandError) as refusal:
        run("connectidp", *ACME, "--issuer", said, *CLIENT)
    text = str(refusal.value)
    assert said in text
    assert ISSUER in text or "lower case" in text
    assert "\n" not in text
    assert not Tenant.objects.exists()


@pytest.mark.parametrize(
    ("issuer", "why"),
    [
        ("http://idp.acme.example", "must begin with https"),
        ("ftp://idp.acme.example", "must begin with https"),
        ("idp.acme.example", "must begin with https"),
        ("https://10.0.0.1", "public address"),
        ("https://169.254.169.254", "public address"),
        ("https://idp.acme.example?x=1", "no user name, query or fragment"),
        ("https://idp.acme.example#a", "no user name, query or fragment"),
        ("https://a@idp.acme.example", "no user name, query or fragment"),
        ("https://nobody.example", "does not answer"),
    ],
)
@pytest.mark.parametrize("fetch", [(), ("--no-fetch",)])
@pytest.mark.clause("OIDC Discovery", "3", "issuer https only")
@pytest.mark.usefixtures("documents")
def test_an_issuer_that_cannot_be_one_is_refused(issuer: str, why: str, fetch: tuple[str, ...]) -> None:
    if fetch and why == "does not answer":
        run("connectidp", *ACME, "--issuer", issuer, *CLIENT, *fetch)
        return
    with pytest.raises(CommandError, match=why):
        run("connectidp", *ACME, "--issuer", issuer, *CLIENT, *fetch)
    assert not Tenant.objects.exists()


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9000", "http://idp.localhost:9000", "http://[::1]:9000"])
@pytest.mark.usefixtures("documents")
def test_plain_http_is_for_loopback_in_the_demo_only(issuer: str, settings: Settings) -> None:
    run("connectidp", *ACME, "--issuer", issuer, *CLIENT, "--no-fetch")
    IdPConnection.objects.all().delete()
    settings.DEMO = False
    with pytest.raises(CommandError, match="must begin with https"):
        run("connectidp", *ACME, "--issuer", issuer, *CLIENT, "--no-fetch")
    assert not IdPConnection.objects.exists()


@pytest.mark.parametrize("missing", ["authorization_endpoint", "jwks_uri", "token_endpoint"])
def test_metadata_without_a_required_endpoint_are_refused(documents: dict[str, Any], missing: str) -> None:
    del next(iter(documents.values()))[missing]
    with pytest.raises(CommandError, match=missing):
        run("connectidp", *NEW)


@pytest.mark.clause("ID-JAG", "6", "MT-01")
@pytest.mark.usefixtures("documents")
def test_what_belongs_to_another_tenant_is_refused_and_nothing_is_changed() -> None:
    run("connectidp", *NEW)
    mallory = ("--tenant", "mallory", "--app", "todo", *CLIENT)
    with pytest.raises(CommandError, match=r"acme\.example belongs to the tenant acme \(Acme\)"):
        run("connectidp", *mallory, "--issuer", "https://mallory.example", "--domain", "Acme.Example", "--no-fetch")
    with pytest.raises(CommandError, match="is connected to the tenant acme already"):
        run("connectidp", *mallory, "--issuer", ISSUER)
    assert list(Tenant.objects.values_list("slug", flat=True)) == ["acme"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--tenant", "acme", "--app", "todo"), "needs --issuer, --client-id, --client-secret"),
        (("--tenant", "acme", "--app", "todo", "--issuer", ISSUER, "--client-id", "x"), "needs --client-secret"),
        (("--tenant", "Acme Inc", "--app", "todo", "--issuer", ISSUER, *CLIENT), "slug: "),
        ((*NEW, "--domain", "someone@acme.example"), "not an email domain"),
        ((*NEW, "--domain", "acme"), "not an email domain"),
        ((*NEW[:7], "nothing", *NEW[8:]), "invalid choice"),
        ((*NEW, "--enable", "--disable"), "not allowed with"),
        ((*NEW, "--single-use", "--allow-resubmission"), "not allowed with"),
    ],
)
@pytest.mark.usefixtures("documents")
def test_a_request_that_makes_no_sense_is_refused_in_one_line(arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(CommandError, match=why) as refusal:
        run("connectidp", *arguments)
    assert "\n" not in str(refusal.value)
    assert not Tenant.objects.exists()


@pytest.mark.usefixtures("db")
def test_people_sign_in_through_a_connection_made_by_command(
    walker: Browser, in_process_network: InProcessNetwork
) -> None:
    seed()
    connection = IdPConnection.objects.get(tenant__slug="customer1", app="todo")
    secret = connection.client_secret
    connection.delete()
    issuer = "http://customer1.idp.localhost:8000"
    facts = run_json(
        "connectidp", "--tenant", "customer1", "--app", "todo", "--issuer", issuer, "--client-id", "todo0",
        "--client-secret", secret,
    )  # fmt: skip
    assert facts["created"] is True
    assert sign_in(walker, "todo", "bob@tables.fake").status == 200


def test_a_connection_switched_off_by_command_ends_access_at_once(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", "bob@tables.fake")
    assert demo.unfurl([demo.link_to("bob@tables.fake")])[0]["card"]
    run("connectidp", "--tenant", "customer1", "--app", "todo", "--disable")
    assert demo.unfurl([demo.link_to("bob@tables.fake")])[0]["card"] is None


@pytest.mark.clause("ID-JAG", "4.4.3", "P1")
@pytest.mark.usefixtures("documents")
def test_an_id_jag_is_good_once_unless_the_operator_says_otherwise() -> None:
    acme = ("--tenant", "acme", "--app", "todo")
    assert "is good once" in run("connectidp", *NEW)
    assert run_json("connectidp", *acme, "--allow-resubmission")["single_use"] is False
    assert "is good until it expires" in run("connectidp", *acme)
    assert run_json("connectidp", *acme, "--single-use")["single_use"] is True


@pytest.mark.clause("MCP EMA", "7.4.2", "the help says that resubmission breaks the profile")
def test_the_help_says_which_profile_resubmission_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("connectidp", "--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "Breaks MCP's Enterprise-Managed Authorization, which refuses a used one (section 7.4.2)" in text


@pytest.mark.clause("ID-JAG branch access_denied_error", "4.4.3", "a switch of the connection")
@pytest.mark.usefixtures("documents")
def test_who_has_no_access_is_told_only_if_the_operator_says_so() -> None:
    acme = ("--tenant", "acme", "--app", "todo")
    assert "a deactivated account     is not told" in run("connectidp", *NEW)
    assert run_json("connectidp", *acme, "--tell-access-denied")["tells_access_denied"] is True
    assert "a deactivated account     is told (access_denied)" in run("connectidp", *acme)
    assert run_json("connectidp", *acme, "--no-tell-access-denied")["tells_access_denied"] is False


@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.4.1", "the claim may be required")
@pytest.mark.usefixtures("documents")
def test_the_resource_claim_is_required_only_if_the_operator_says_so() -> None:
    acme = ("--tenant", "acme", "--app", "todo")
    run("connectidp", *NEW)
    assert run_json("connectidp", *acme, "--require-resource")["requires_resource"] is True
    assert "is good once, if it names its resource" in run("connectidp", *acme)
    assert run_json("connectidp", *acme, "--no-require-resource")["requires_resource"] is False


@pytest.mark.usefixtures("documents")
def test_a_client_that_authenticates_with_a_key_needs_that_key_and_no_secret(settings: Settings) -> None:
    arguments = (*ACME, "--issuer", ISSUER, "--client-id", "0oa1", "--auth-method", "private_key_jwt")
    with pytest.raises(CommandError, match="CLIENT_SIGNING_KEY is not set"):
        run("connectidp", *arguments)
    assert not Tenant.objects.exists()
    settings.CROSSAPP_REQUESTING_APP = settings.CROSSAPP_REQUESTING_APP | {"CLIENT_SIGNING_KEY": new_pem()}
    assert run_json("connectidp", *arguments)["auth_method"] == "private_key_jwt"
    assert IdPConnection.objects.get().client_secret == ""


@pytest.mark.usefixtures("documents")
def test_a_connection_whose_key_is_gone_can_be_switched_off() -> None:
    run("connectidp", *NEW)
    IdPConnection.objects.update(auth_method="private_key_jwt")
    with pytest.raises(CommandError, match="CLIENT_SIGNING_KEY is not set"):
        run("connectidp", "--tenant", "acme", "--app", "todo", "--no-jit")
    assert run_json("connectidp", "--tenant", "acme", "--app", "todo", "--disable")["enabled"] is False


@pytest.mark.usefixtures("documents")
@pytest.mark.clause("ID-JAG", "6.1", "MT-34")
def test_tenants_that_share_an_issuer_are_connected_by_the_value_of_one_claim() -> None:
    other = ("--tenant", "other", "--app", "todo", "--issuer", ISSUER, *CLIENT)
    run("connectidp", *NEW, "--tenant-claim", "tid", "--tenant-value", "1")
    refusals = {
        (): "acme is connected to this issuer with the tenant claim tid",
        ("--tenant-claim", "hd", "--tenant-value", "2"): "acme is connected to this issuer with the tenant claim tid",
        ("--tenant-claim", "tid"): "Enter a claim and its value, or neither",
        ("--tenant-claim", "tid", "--tenant-value", "1"): "is connected to the tenant acme already",
    }
    for options, message in refusals.items():
        with pytest.raises(CommandError, match=message):
            run("connectidp", *other, *options)
    facts = run_json("connectidp", *other, "--tenant-claim", "tid", "--tenant-value", "2", "--clock-skew", "120")
    assert (facts["tenant_claim"], facts["tenant_value"], facts["clock_skew"]) == ("tid", "2", 120)
    assert sorted(IdPConnection.objects.values_list("tenant_value", flat=True)) == ["1", "2"]


@pytest.mark.usefixtures("documents")
def test_a_clock_skew_of_more_than_five_minutes_is_refused() -> None:
    with pytest.raises(CommandError, match="clock_skew"):
        run("connectidp", *NEW, "--clock-skew", "301")
