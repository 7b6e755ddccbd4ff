"""Allowing cross-app access by command."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError

from authserver.models import Client
from idp.models import CrossAppPolicy
from tenants.models import User
from tests.support.commands import run, run_json
from tests.support.embedded_idp import AUDIENCE, RESOURCE, EmbeddedIdP, make_person

AT = ("--tenant", "customer1", "--client", "wiki0", "--audience", AUDIENCE, "--resource", RESOURCE)
NEW = (*AT, "--client-id-there", "wiki0-at-todo0", "--scope", "read")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-61")
def test_what_was_denied_is_allowed_and_what_was_allowed_is_denied(signed_in: EmbeddedIdP, id_token: str) -> None:
    CrossAppPolicy.objects.all().delete()
    assert signed_in.exchange(id_token).json()["error"] == "invalid_target"
    facts = run_json("allowcrossapp", *NEW)
    assert facts == {
        "issuer": "http://customer1.idp.localhost:8000",
        "client": "wiki0",
        "audience": AUDIENCE,
        "resource": RESOURCE,
        "allowed": True,
        "client_id_there": "wiki0-at-todo0",
        "scope": "read",
        "users": [],
        "groups": [],
        "max_age": None,
        "includes_email": False,
        "created": True,
    }
    assert signed_in.exchange(id_token).status_code == 200
    assert run_json("allowcrossapp", *AT, "--deny")["allowed"] is False
    assert signed_in.exchange(id_token).json()["error"] == "access_denied"
    run("allowcrossapp", *AT)
    assert signed_in.exchange(id_token).status_code == 200


def test_it_may_be_repeated_and_what_is_not_named_stays(idp: EmbeddedIdP, bob: User) -> None:
    first = run_json("allowcrossapp", *NEW, "--user", bob.email, "--max-age", "60")
    assert first["created"] is False  # the fixture's
    assert run_json("allowcrossapp", *NEW, "--user", bob.email, "--max-age", "60") == first
    assert run_json("allowcrossapp", *AT) == first
    assert run_json("allowcrossapp", *AT, "--everybody", "--max-age", "-1") == first | {"users": [], "max_age": None}
    with_email = first | {"users": [], "max_age": None, "includes_email": True}
    assert first["includes_email"] is True  # the fixture's
    assert run_json("allowcrossapp", *AT, "--no-email") == with_email | {"includes_email": False}
    assert run_json("allowcrossapp", *AT, "--email") == with_email
    assert CrossAppPolicy.objects.count() == 1


def test_denying_what_was_never_allowed_changes_nothing(idp: EmbeddedIdP) -> None:
    CrossAppPolicy.objects.all().delete()
    for _ in range(2):
        assert run_json("allowcrossapp", *AT, "--deny")["allowed"] is False
    assert not CrossAppPolicy.objects.exists()


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-63")
def test_people_and_groups_are_named_and_replaced(signed_in: EmbeddedIdP, bob: User, id_token: str) -> None:
    alice = make_person(signed_in, "alice")
    sales = Group.objects.create(name="Sales")
    facts = run_json("allowcrossapp", *AT, "--user", "ALICE@tables.fake", "--group", "Sales")
    assert (facts["users"], facts["groups"]) == ([alice.email], ["Sales"])
    assert signed_in.exchange(id_token).json()["error"] == "access_denied"
    bob.groups.add(sales)
    assert signed_in.exchange(id_token).status_code == 200
    text = run("allowcrossapp", *AT, "--user", bob.email, alice.email)
    assert "for               people alice@tables.fake, bob@tables.fake" in text
    assert not CrossAppPolicy.objects.get().groups.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((*AT, "--user", "nobody@tables.fake"), "No account in the directory"),
        ((*AT, "--user", "eve@tables.fake"), "No account in the directory"),
        ((*AT, "--group", "Nobodies"), "No group is called Nobodies"),
        ((*AT, "--everybody", "--user", "bob@tables.fake"), "--everybody excludes --user and --group"),
        ((*AT, "--scope", "read  write"), "scope: Separate scopes by single spaces"),
        ((*AT, "--scope", ""), "scope: "),
        (("--tenant", "nobody", *NEW[2:]), "no embedded IdP"),
        ((*NEW[:2], "--client", "wiki1", *NEW[4:]), "has no client wiki1. Its clients are: todo0, wiki0"),
        ((*NEW[:4], "--audience", "todo0", *NEW[6:]), "audience: Enter an absolute URL"),
        (
            (*NEW[:4], "--audience", "http://customer1.idp.localhost:8000", *NEW[6:]),
            "The audience must not be the IdP itself",
        ),
        ((*NEW[:6], "--resource", "/api", *NEW[8:]), "resource: Enter an absolute URL"),
        ((*NEW[:6], "--resource", RESOURCE + "#a", *NEW[8:]), "resource: Enter an absolute URL"),
        ((*NEW[:6], "--resource", RESOURCE + "2"), "needs --scope and --client-id-there"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_and_changes_nothing(
    idp: EmbeddedIdP, bob: User, other_idp: EmbeddedIdP, arguments: tuple[str, ...], why: str
) -> None:
    make_person(other_idp, "eve")
    before: list[Any] = list(CrossAppPolicy.objects.values())
    with pytest.raises(CommandError) as refusal:
        run("allowcrossapp", *arguments)
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert list(CrossAppPolicy.objects.values()) == before


def test_a_client_without_token_exchange_is_refused(idp: EmbeddedIdP) -> None:
    Client.objects.filter(client_id="wiki0").update(grants=["authorization_code"])
    with pytest.raises(CommandError, match="may not use token exchange"):
        run("allowcrossapp", *AT)
    assert run_json("allowcrossapp", *AT, "--deny")["allowed"] is False
