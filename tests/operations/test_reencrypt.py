"""Secrets at rest: which columns are encrypted, and how their key is changed."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from authserver.models import SigningKey
from crossapp.fields import EncryptedTextField, Undecryptable
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from operations.management.commands.reencrypt import encrypted_columns
from tenants.models import IdPConnection, SubjectTokens
from tests.support.commands import run
from tests.support.demo import Demo
from tests.support.encryption import encrypt_with, encryption_keys
from tests.support.in_process import sign_in

BOB, TRINITY = "bob@tables.fake", "trinity@whiterabbit.fake"


@pytest.fixture
def used(demo: Demo) -> Demo:
    """Bob has signed in to Wiki0 and seen a card, so that every encrypted column holds something."""
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    return demo


def stored(model: Any, column: str) -> list[str]:
    """Return what the database holds, without decrypting it."""
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name
        cursor.execute(f"SELECT {quoted(column)} FROM {quoted(model._meta.db_table)} ORDER BY id")  # noqa: S608
        return [value for (value,) in cursor.fetchall()]


def everything_stored() -> list[str]:
    return [value for model, names in encrypted_columns() for name in names for value in stored(model, name) if value]


def everything_clear() -> list[str]:
    rows = [
        row for model, names in encrypted_columns() for row in model._base_manager.order_by("pk").values_list(*names)
    ]
    return [value for row in rows for value in row if value]


def test_these_columns_are_encrypted() -> None:
    assert dict(encrypted_columns()) == {
        IdPConnection: ["client_secret"],
        SubjectTokens: ["id_token", "refresh_token"],
        ResourceApp: ["client_secret"],
        StoredAccessToken: ["sealed_access_token"],
        SigningKey: ["private_pem"],
    }


@pytest.mark.clause("OWASP ASVS", "11.3.3", "SEC-03")
def test_a_stored_token_that_was_tampered_with_cannot_be_read(used: Demo) -> None:
    assert SubjectTokens.objects.get().id_token.startswith("eyJ")
    [cipher] = stored(SubjectTokens, "id_token")
    assert not set(cipher.split(".")) & set(SubjectTokens.objects.get().id_token.split("."))
    field = SubjectTokens._meta.get_field("id_token")
    assert isinstance(field, EncryptedTextField)
    for position in (0, 20, len(cipher) // 2, len(cipher) - 5):
        other = "A" if cipher[position] != "A" else "B"
        with pytest.raises(Undecryptable):
            field.from_db_value(cipher[:position] + other + cipher[position + 1 :], None, connection)  # type: ignore[arg-type]
    for cut in (cipher[:-4], cipher[4:], cipher[: len(cipher) // 2]):
        with pytest.raises(Undecryptable):
            field.from_db_value(cut, None, connection)  # type: ignore[arg-type]
    assert len(set(everything_stored())) == len(everything_stored()), "the same text is never encrypted alike"


@pytest.mark.clause("OWASP ASVS", "11.3.3", "SEC-04")
def test_an_id_token_copied_to_another_persons_row_is_not_exchanged(used: Demo) -> None:
    mine = SubjectTokens.objects.get(user__email=BOB)
    used.browser.clients.clear()
    sign_in(used.browser, "wiki", TRINITY)
    SubjectTokens.objects.filter(user__email=TRINITY).update(id_token=mine.id_token, refresh_token=mine.refresh_token)
    used.network.exchanges.clear()
    assert used.unfurl([used.link_to(BOB)])[0]["reason"]["code"] == "sign_in_again"
    assert used.exchanges() == []


@pytest.mark.clause("OWASP ASVS", "13.3.4", "SEC-07")
def test_the_encryption_key_is_changed_while_everything_goes_on(used: Demo, settings: Settings) -> None:
    old, new = encryption_keys(), Fernet.generate_key().decode()
    clear, before = everything_clear(), everything_stored()
    assert len(clear) >= 15

    def card() -> Any:
        StoredAccessToken.objects.all().delete()
        return used.unfurl([used.link_to(BOB)])[0]["card"]

    encrypt_with(settings, [new, *old])
    assert everything_clear() == clear and card(), "both keys are good meanwhile"
    assert f"{len(list(_rows()))} rows are encrypted with the first" in run("reencrypt")
    assert not set(before) & set(everything_stored())
    encrypt_with(settings, [new])
    run("reencrypt")
    assert card()
    assert [value for value in everything_clear() if value in clear] != []
    encrypt_with(settings, list(old))
    with pytest.raises(Undecryptable):
        everything_clear()


def _rows() -> Iterator[Any]:
    for model, _ in encrypted_columns():
        yield from model._base_manager.values_list("pk")


@pytest.mark.clause("OWASP ASVS", "13.3.4", "SEC-07")
def test_a_row_that_no_key_opens_is_named_and_left_and_the_others_are_done(used: Demo, settings: Settings) -> None:
    lost = IdPConnection.objects.order_by("pk")[0]
    foreign = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(IdPConnection._meta.db_table)
        cursor.execute(f"UPDATE {table} SET client_secret = %s WHERE id = %s", [foreign, lost.pk])  # noqa: S608
    new = Fernet.generate_key().decode()
    encrypt_with(settings, [new, *encryption_keys()])
    with pytest.raises(CommandError, match=rf"No key decrypts tenants.IdPConnection {lost.pk}\."):
        call_command("reencrypt")
    encrypt_with(settings, [new])
    assert SubjectTokens.objects.get().id_token.startswith("eyJ")
    assert foreign in stored(IdPConnection, "client_secret")
