"""RFC 6749 section 4.1.2: an authorization code is redeemed once; who tries again ends what it brought."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from authserver import used_codes
from authserver.models import UsedCode
from tests.support.embedded_idp import CALLBACK, VERIFIER, EmbeddedIdP


def redemption(code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def assert_refused(response: Any) -> None:
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.clause("RFC 6749", "4.1.2", "OP-34")
def test_a_code_used_again_is_refused_and_the_tokens_of_the_first_use_die(signed_in: EmbeddedIdP) -> None:
    request = redemption(signed_in.code())
    tokens = signed_in.token(request).json()
    bystander = signed_in.tokens()
    assert_refused(signed_in.token(request))
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert_refused(signed_in.token(refresh))
    assert_refused(signed_in.exchange(tokens["id_token"]))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert signed_in.browser.get("/oauth2/v1/userinfo", headers=bearer).status_code == 401
    assert signed_in.exchange(bystander["id_token"]).status_code == 200


@pytest.mark.clause("RFC 9700", "4.5", "OP-34")
def test_so_do_those_that_a_refresh_has_brought_since(signed_in: EmbeddedIdP) -> None:
    request = redemption(signed_in.code())
    tokens = signed_in.token(request).json()
    new = signed_in.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}).json()
    assert_refused(signed_in.token(request))
    assert_refused(signed_in.exchange(new["id_token"]))
    assert not get_access_token_model().objects.exists()
    assert not get_refresh_token_model().objects.filter(revoked=None).exists()


@pytest.mark.clause("RFC 6749", "4.1.2", "OP-34")
def test_without_a_refresh_token_only_what_the_code_brought_dies(signed_in: EmbeddedIdP) -> None:
    signed_in.tokens()
    request = redemption(signed_in.code(scope="openid"))
    assert signed_in.token(request).status_code == 200
    assert get_access_token_model().objects.count() == 2
    assert_refused(signed_in.token(request))
    assert get_access_token_model().objects.count() == 1


@pytest.mark.clause("RFC 6749", "4.1.2", "OP-34")
def test_another_client_with_the_code_ends_nothing(signed_in: EmbeddedIdP) -> None:
    request = redemption(signed_in.code())
    assert signed_in.token(request).status_code == 200
    assert_refused(signed_in.token(request, "todo0"))
    assert get_access_token_model().objects.count() == 1


@pytest.mark.parametrize("method", ["get_code_challenge", "confirm_redirect_uri", "_create_access_token"])
@pytest.mark.clause("RFC 6749", "4.1.2", "OP-34 race")
def test_a_code_that_another_request_spends_meanwhile_brings_nothing(
    signed_in: EmbeddedIdP, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    from idp.validator import OpenIDValidator

    original: Callable[..., Any] = getattr(OpenIDValidator, method)

    def just_after_somebody_else(*args: Any, **kwargs: Any) -> Any:
        get_grant_model().objects.all().delete()
        return original(*args, **kwargs)

    request = redemption(signed_in.code())
    monkeypatch.setattr(OpenIDValidator, method, just_after_somebody_else)
    assert_refused(signed_in.token(request))
    assert not get_access_token_model().objects.exists()
    assert not UsedCode.objects.exists()


def test_used_codes_are_forgotten_after_a_day(signed_in: EmbeddedIdP) -> None:
    signed_in.tokens()
    UsedCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    cache.delete("authserver:sweep-used-codes")
    signed_in.tokens()
    assert UsedCode.objects.count() == 1
    assert timedelta(days=1) == used_codes.KEPT
