"""A person who leaves: deactivated or deleted by an operator, signed out, or followed by another in the browser."""

import pytest
import requests
from cryptography.fernet import Fernet
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tenants.models import SubjectTokens, User
from tests.support.encryption import encrypt_with
from tests.support.fake_idp import FakeIdp, Reply
from tests.tenants.single_sign_on.test_sign_in import Browser
from wiki.models import RecordedStep

pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def bob(idp: FakeIdp) -> User:
    """A person signed in, with every kind of row that there may be."""
    browser = Browser(idp)
    browser.sign_in()
    user = browser.user
    assert user
    resource_app = ResourceApp.objects.create(key="todo0", name="Todo0", audience="https://t.example", resource="r")
    StoredAccessToken.objects.create(
        user=user, resource_app=resource_app, access_token="x", scope="", expires_at="2099-01-01T00:00Z"
    )
    assert (SubjectTokens.objects.count(), RecordedStep.objects.count()) == (1, 1)
    return user


def leave(user: User, how: str) -> None:
    if how == "deleted":
        user.delete()
    else:
        user.is_active = False
        user.save()


@pytest.mark.parametrize("how", ["deleted", "deactivated"])
@pytest.mark.clause("RFC 7009", "2.1", "CL-39 DC-12: who leaves leaves no token, and the IdP is told")
def test_a_deactivated_or_deleted_users_tokens_are_deleted_and_revoked(
    bob: User, idp: FakeIdp, how: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        leave(bob, how)
        assert idp.to("/revoke") == []  # no HTTP inside the transaction
    for model in (SubjectTokens, StoredAccessToken, RecordedStep):
        assert not model.objects.exists(), model
    assert idp.form("/revoke") == {"token": "refresh-1", "token_type_hint": "refresh_token"}


@pytest.mark.parametrize("how", ["deleted", "deactivated"])
@pytest.mark.parametrize("trouble", ["the IdP is silent", "no key opens the tokens"])
def test_one_leaves_whatever_the_trouble(
    bob: User,
    idp: FakeIdp,
    how: str,
    trouble: str,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def silence() -> Reply:
        raise requests.ReadTimeout

    if trouble == "the IdP is silent":
        idp.replies["/revoke"] = silence
    else:
        encrypt_with(settings, [Fernet.generate_key().decode()])
    with django_capture_on_commit_callbacks(execute=True):
        leave(bob, how)
    for model in (SubjectTokens, StoredAccessToken, RecordedStep):
        assert not model.objects.exists(), model


def test_an_account_that_stays_active_keeps_what_it_has(bob: User, idp: FakeIdp) -> None:
    bob.first_name = "Robert"
    bob.save()
    assert SubjectTokens.objects.count() == StoredAccessToken.objects.count() == RecordedStep.objects.count() == 1
    assert idp.to("/revoke") == []


@pytest.mark.clause("requirements.md", "CL-40", "tokens belong to an account, not to the browser's session")
def test_a_second_person_in_the_same_browser_does_not_overwrite_the_tokens_of_the_first(idp: FakeIdp) -> None:
    browser = Browser(idp)
    browser.sign_in()
    bob = browser.user
    idp.claims |= {"sub": "u-john", "email": "john@tables.example"}
    idp.token_response["refresh_token"] = "refresh-of-john"
    browser.sign_in(email="john@tables.example")
    john = browser.user

    assert bob and john and bob != john
    kept = {tokens.user: tokens.refresh_token for tokens in SubjectTokens.objects.all()}
    assert kept == {bob: "refresh-1", john: "refresh-of-john"}
