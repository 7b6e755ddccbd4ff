"""Where the requesting app finds the identity assertion, and what may replace it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crossapp.requesting_app.errors import Cause, CrossAppError
from crossapp.requesting_app.subject_tokens import SubjectTokenRefused
from tenants.models import IdPConnection, SubjectTokens, User
from tenants.subject_tokens import SubjectTokenStore, end
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER, FakeIdp, Reply, id_token_claims, sign

STORE = SubjectTokenStore()


@pytest.fixture
def user(connection: IdPConnection, idp: FakeIdp) -> User:
    """Bob, who has signed in."""
    user = User.objects.create(username="bob", realm="wiki", tenant=connection.tenant, sub="u-bob")
    SubjectTokens.objects.create(
        user=user,
        connection=connection,
        id_token=sign(id_token_claims()),
        id_token_expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        refresh_token="refresh-1",
    )
    return user


def refused(user: User, **changes: Any) -> str:
    with pytest.raises(SubjectTokenRefused) as caught:
        STORE.replace(user, id_token=sign(id_token_claims(**changes)), refresh_token="refresh-2")
    kept = SubjectTokens.objects.filter(user=user).first()
    assert kept is None or kept.refresh_token == "refresh-1"
    return caught.value.detail


def test_the_tokens_come_with_the_client_they_were_issued_to(user: User) -> None:
    tokens = STORE.load(user)
    assert tokens is not None
    assert (tokens.issuer, tokens.client_id, tokens.client_secret) == (ISSUER, CLIENT_ID, CLIENT_SECRET)
    assert (tokens.auth_method, tokens.refresh_token) == ("client_secret_basic", "refresh-1")
    assert tokens.id_token_expires_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert "refresh-1" not in repr(tokens)


def test_a_user_who_has_not_signed_in_has_none(connection: IdPConnection) -> None:
    user = User.objects.create(username="new", realm="wiki", tenant=connection.tenant)
    assert STORE.load(user) is None


@pytest.mark.parametrize(
    "change",
    [{"enabled": False}, {"issuer": "https://moved.example"}, {"client_id": "another"}],
    ids=["disabled", "another issuer", "another client"],
)
def test_tokens_for_a_connection_that_has_changed_are_of_no_use(user: User, change: dict[str, Any]) -> None:
    IdPConnection.objects.update(**change)
    assert STORE.load(user) is None
    assert "has changed" in refused(user)


def test_tokens_of_a_deactivated_tenant_or_account_are_of_no_use(user: User, connection: IdPConnection) -> None:
    User.objects.update(is_active=False)
    assert STORE.load(user) is None
    User.objects.update(is_active=True)
    connection.tenant.is_active = False
    connection.tenant.save()
    assert STORE.load(user) is None


@pytest.mark.parametrize("sub", ["u-eve", None], ids=["another", "none"])
def test_tokens_of_an_account_that_has_just_become_another_persons_are_of_no_use(user: User, sub: str | None) -> None:
    User.objects.update(sub=sub)
    assert STORE.load(user) is None
    assert STORE.load(User.objects.get()) is None


@pytest.mark.clause("OpenID Connect Core", "12.2", "a refreshed ID token is the same person's")
@pytest.mark.parametrize("nonce", ["the-nonce", None])
def test_a_refresh_replaces_both(user: User, nonce: str | None) -> None:
    new = sign(id_token_claims(nonce=nonce, auth_time=1))
    tokens = STORE.replace(user, id_token=new, refresh_token="refresh-2")
    assert (tokens.id_token, tokens.refresh_token) == (new, "refresh-2")
    assert STORE.load(user) == tokens


def test_without_a_new_refresh_token_the_old_one_stays(user: User) -> None:
    assert STORE.replace(user, id_token=sign(id_token_claims()), refresh_token="").refresh_token == "refresh-1"


@pytest.mark.clause("OpenID Connect Core", "12.2", "a refreshed ID token may have several audiences")
def test_an_id_token_for_several_audiences_replaces_one_and_is_loaded(user: User) -> None:
    new = sign(id_token_claims(aud=[CLIENT_ID, "project-4711"], azp=CLIENT_ID))
    tokens = STORE.replace(user, id_token=new, refresh_token="refresh-2")
    assert tokens.id_token == new
    assert STORE.load(user) == tokens


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"aud": [CLIENT_ID, "project-4711"]}, "azp is missing"),
        ({"aud": [CLIENT_ID, "project-4711"], "azp": "project-4711"}, "azp is not"),
        ({"sub": "u-eve"}, "another person's"),
        ({"sub": "U-BOB"}, "another person's"),
        ({"iss": "https://evil.example"}, "iss is not"),
        ({"aud": "another"}, "aud is not"),
        ({"exp": 1}, "exp has passed"),
        ({"nonce": "another"}, "another sign-in's"),
    ],
    ids=str,
)
def test_another_id_token_is_refused(user: User, changes: dict[str, Any], detail: str) -> None:
    assert detail in refused(user, **changes)


def test_while_the_keys_cannot_be_had_the_new_refresh_token_is_not_lost(user: User, idp: FakeIdp) -> None:
    idp.replies["/keys"] = Reply(b"", 500)
    before = STORE.load(user)
    with pytest.raises(CrossAppError) as caught:
        STORE.replace(user, id_token=sign(id_token_claims()), refresh_token="refresh-2")
    after = STORE.load(user)
    assert caught.value.cause == Cause.UNREACHABLE
    assert before is not None
    assert after is not None
    assert (after.id_token, after.refresh_token) == (before.id_token, "refresh-2")


def test_nothing_is_stored_for_a_user_who_has_signed_out_meanwhile(
    user: User, idp: FakeIdp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants import subject_tokens

    def sign_out_while_verifying(*args: Any, **kwargs: Any) -> Any:
        STORE.discard(user)
        return verify(*args, **kwargs)

    verify = subject_tokens.verify_id_token
    monkeypatch.setattr(subject_tokens, "verify_id_token", sign_out_while_verifying)
    assert "signed out meanwhile" in refused(user)
    assert not SubjectTokens.objects.exists()


def test_discarding_forgets_here_and_ending_there_too(user: User, idp: FakeIdp) -> None:
    end(user)
    assert STORE.load(user) is None
    assert idp.form("/revoke")["token"] == "refresh-1"
    STORE.discard(user)
    end(user)
    assert len(idp.to("/revoke")) == 1
