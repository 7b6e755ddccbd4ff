"""What an IdP's metadata say, compared with what an IdP connection needs."""

from collections.abc import Mapping
from typing import Any

import pytest

from crossapp.core.comparisons import Comparison, Severity
from crossapp.core.metadata import Metadata
from tenants.idp_comparisons import compare_with_idp, secret_method_for
from tenants.single_sign_on.id_token import ALGORITHMS

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
COMPLETE = {
    "id_token_signing_alg_values_supported": ("HS256", "RS256"),
    "grant_types_supported": ("authorization_code", "refresh_token", TOKEN_EXCHANGE),
    "identity_chaining_requested_token_types_supported": ("urn:ietf:params:oauth:token-type:id-jag",),
    "code_challenge_methods_supported": ("plain", "S256"),
    "token_endpoint_auth_methods_supported": ("client_secret_basic", "client_secret_post"),
    "scopes_supported": ("openid", "profile", "email", "offline_access"),
    "prompt_values_supported": ("none", "login", "consent"),
    "subject_types_supported": ("pairwise", "public"),
}
COLUMNS = {
    "auth_method": "client_secret_basic",
    "scope": "",
    "prompt": "consent",
    "tenant_claim": "",
    "provisions_users": True,
}
GOOGLE = "https://accounts.google.com"


def compared(columns: Mapping[str, Any] = COLUMNS, **members: Any) -> dict[str, Comparison]:
    """Return the comparisons with a complete IdP, but for `members`, by name."""
    metadata = Metadata(**{"issuer": "https://idp.example"} | COMPLETE | members)
    return {comparison.name: comparison for comparison in compare_with_idp(metadata, **columns)}


def differing(columns: Mapping[str, Any] = COLUMNS, **members: Any) -> Comparison:
    """Return the only comparison that did not pass."""
    (comparison,) = [each for each in compared(columns, **members).values() if each.severity is not Severity.PASS]
    return comparison


def test_a_complete_idp_agrees_in_everything() -> None:
    assert {each.severity for each in compared().values()} == {Severity.PASS}
    assert all(each.expected and each.found and not each.remedy for each in compared().values())


@pytest.mark.clause("OpenID Connect Discovery", "3", "id_token_signing_alg_values_supported")
@pytest.mark.parametrize("offered", [("HS256",), ("none", "HS512"), ()])
def test_without_a_common_id_token_algorithm_no_sign_in_works(offered: tuple[str, ...]) -> None:
    comparison = differing(id_token_signing_alg_values_supported=offered)
    assert (comparison.name, comparison.severity) == ("ID token algorithms", Severity.FAIL)
    assert comparison.expected == f"one of {', '.join(ALGORITHMS)}"
    assert comparison.found == (", ".join(offered) or "an empty list")
    assert comparison.remedy


@pytest.mark.parametrize(
    ("member", "offered", "name", "severity"),
    [
        ("grant_types_supported", ("implicit", TOKEN_EXCHANGE), "sign-in grant", Severity.FAIL),
        ("grant_types_supported", ("authorization_code",), "token exchange", Severity.WARNING),
        ("identity_chaining_requested_token_types_supported", ("urn:x",), "ID-JAG", Severity.WARNING),
        ("code_challenge_methods_supported", ("plain",), "PKCE", Severity.FAIL),
        ("token_endpoint_auth_methods_supported", ("private_key_jwt",), "client authentication", Severity.FAIL),
        ("scopes_supported", ("openid", "offline_access"), "scopes", Severity.WARNING),
        ("scopes_supported", ("openid", "profile", "email"), "refresh tokens", Severity.WARNING),
        ("prompt_values_supported", ("none", "login"), "prompt", Severity.WARNING),
        ("subject_types_supported", ("pairwise",), "subject identifiers", Severity.WARNING),
    ],
)
@pytest.mark.clause("RFC 8414", "2", "what the metadata list is compared with what a sign-in needs")
def test_each_difference_is_one_comparison(
    member: str, offered: tuple[str, ...], name: str, severity: Severity
) -> None:
    comparison = differing(**{member: offered})
    assert (comparison.name, comparison.severity) == (name, severity)
    assert comparison.remedy.endswith(".")
    assert str(comparison) == f"{name}: expected {comparison.expected}, found {comparison.found}. {comparison.remedy}"


@pytest.mark.parametrize(
    ("member", "severities"),
    [
        ("id_token_signing_alg_values_supported", {}),
        ("grant_types_supported", {"token exchange": Severity.WARNING}),
        ("identity_chaining_requested_token_types_supported", {"ID-JAG": Severity.WARNING}),
        ("code_challenge_methods_supported", {"PKCE": Severity.WARNING}),
        ("token_endpoint_auth_methods_supported", {}),
        ("scopes_supported", {}),
        ("prompt_values_supported", {}),
        ("subject_types_supported", {}),
    ],
)
@pytest.mark.clause("RFC 8414", "2", "an absent member has its default")
def test_an_absent_member_is_its_default_and_refuses_nothing(member: str, severities: dict[str, Severity]) -> None:
    found = compared(**{member: None})
    assert {name: each.severity for name, each in found.items() if each.severity is not Severity.PASS} == severities


def test_an_absent_list_of_methods_is_a_warning_for_another_method_than_the_default() -> None:
    columns = COLUMNS | {"auth_method": "client_secret_post"}
    comparison = differing(columns, token_endpoint_auth_methods_supported=None)
    assert (comparison.severity, comparison.found) == (Severity.WARNING, "client_secret_basic (the default)")
    assert "use client_secret_basic" in comparison.remedy


@pytest.mark.parametrize(
    ("taken", "remedy"),
    [
        (("client_secret_post", "private_key_jwt"), "Use client_secret_post or private_key_jwt."),
        (("tls_client_auth",), "Allow one of client_secret_basic, client_secret_post, private_key_jwt for this client"),
        ((), "Allow one of"),
    ],
)
def test_the_remedy_names_the_methods_that_the_idp_takes(taken: tuple[str, ...], remedy: str) -> None:
    assert remedy in differing(token_endpoint_auth_methods_supported=taken).remedy


@pytest.mark.parametrize(
    ("taken", "chosen"),
    [
        (None, "client_secret_basic"),
        (("client_secret_post", "client_secret_basic"), "client_secret_basic"),
        (("private_key_jwt", "client_secret_post"), "client_secret_post"),
        (("private_key_jwt",), "client_secret_basic"),
    ],
)
def test_basic_is_chosen_before_post(taken: tuple[str, ...] | None, chosen: str) -> None:
    assert secret_method_for(Metadata("https://idp.example", token_endpoint_auth_methods_supported=taken)) == chosen


def test_the_scopes_of_the_connection_are_the_ones_compared() -> None:
    own = COLUMNS | {"scope": "openid groups offline_access"}
    assert differing(own).expected == "openid, groups, offline_access"
    short = differing(COLUMNS | {"scope": "openid"})
    assert (short.name, short.found) == ("refresh tokens", "openid")
    assert "until the person signs in again" in short.remedy


def test_no_prompt_is_compared_with_nothing() -> None:
    assert "prompt" not in compared(COLUMNS | {"prompt": ""}, prompt_values_supported=())


@pytest.mark.parametrize(("claim", "found"), [("", "none"), ("sub", "sub"), ("HD", "HD")])
def test_an_issuer_of_any_person_needs_the_claim_that_names_the_customer(claim: str, found: str) -> None:
    comparison = differing(COLUMNS | {"tenant_claim": claim}, issuer=GOOGLE)
    assert (comparison.name, comparison.severity) == ("tenant claim", Severity.WARNING)
    assert (comparison.expected, comparison.found) == ("hd", found)
    assert "every unknown person gets an account in this tenant" in comparison.remedy


def test_with_that_claim_such_an_issuer_agrees() -> None:
    assert compared(COLUMNS | {"tenant_claim": "hd"}, issuer=GOOGLE)["tenant claim"].severity is Severity.PASS


@pytest.mark.parametrize(
    ("issuer", "provisions_users"), [(GOOGLE, False), ("https://idp.example", True)], ids=["no accounts", "own issuer"]
)
def test_no_claim_is_compared_without_provisioning_or_at_an_issuer_of_the_customer(
    issuer: str, provisions_users: bool
) -> None:
    assert "tenant claim" not in compared(COLUMNS | {"provisions_users": provisions_users}, issuer=issuer)
