"""npm's openid-client, unmodified, as an app: it signs Bob in at our IdP and acts for him at Todo0."""

from typing import Any

import pytest

from tests.strangers.conftest import BOB
from tests.strangers.registered import AT_IDP, AT_TODO0, ID_JAG, JWT_BEARER, SCOPE, Registered
from tests.support.node import Stranger, StrangerError
from tests.support.over_http import HttpBrowser

STRANGER = "openid-client"
SCRIPT = "openid_client.mjs"


@pytest.fixture
def at_idp(script: Stranger, registered: Registered) -> Stranger:
    """openid-client, which finds our IdP by OpenID discovery and authenticates in the header."""
    client = {"clientId": AT_IDP, "secret": registered.secret, "method": "client_secret_basic"}
    script.ask("discover", issuer=registered.issuer, **client)
    return script


def at_todo0(script: Stranger, registered: Registered, **changes: Any) -> Stranger:
    """Turn openid-client to Todo0's authorization server, which it finds by RFC 8414."""
    client = {"clientId": AT_TODO0, "secret": registered.secret_at_todo0, "method": "client_secret_basic"}
    script.ask("discover", issuer=registered.audience, algorithm="oauth2", **client | changes)
    return script


def sign_in(script: Stranger, registered: Registered, browser: HttpBrowser, **more: str) -> dict[str, Any]:
    """Sign Bob in, whom his IdP knows already; return the tokens and the claims of the ID token."""
    url = script.ask("authorizationUrl", redirectUri=registered.redirect_uri, scope=SCOPE, **more)
    return dict(script.ask("callback", url=browser.get(url).url))


@pytest.mark.clause("OIDC Discovery", "4.2", "openid-client finds our IdP by its issuer")
def test_openid_client_discovers_our_idp(script: Stranger, registered: Registered) -> None:
    found = script.ask("discover", issuer=registered.issuer, clientId=AT_IDP, secret=registered.secret)
    assert (found["issuer"], found["code_challenge_methods_supported"]) == (registered.issuer, ["S256"])


@pytest.mark.clause("RFC 8414", "3", "openid-client finds our IdP and Todo0 by the path of RFC 8414")
def test_openid_client_discovers_both_servers_by_rfc_8414(script: Stranger, registered: Registered) -> None:
    for issuer in (registered.issuer, registered.audience):
        found = script.ask("discover", issuer=issuer, clientId=AT_IDP, secret="unused", algorithm="oauth2")
        assert found["issuer"] == issuer


@pytest.mark.clause("OIDC Core", "3.1.3", "openid-client signs Bob in and verifies his ID token")
def test_openid_client_signs_bob_in(at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    assert (tokens["token_type"], tokens["scope"]) == ("bearer", SCOPE)
    assert (tokens["claims"]["email"], tokens["claims"]["aud"]) == (BOB, AT_IDP)


@pytest.mark.parametrize("method", [None, "client_secret_post"])
@pytest.mark.clause("RFC 6749", "2.3.1", "openid-client authenticates in the body, as by default, at both servers")
def test_openid_client_sends_its_secret_in_the_body(
    script: Stranger, registered: Registered, bobs_browser: HttpBrowser, method: str | None
) -> None:
    script.ask("discover", issuer=registered.issuer, clientId=AT_IDP, secret=registered.secret, method=method)
    tokens = sign_in(script, registered, bobs_browser)
    grant = script.ask("grant", **registered.exchange(tokens["id_token"]))
    todo0 = at_todo0(script, registered, method=method)
    assert todo0.ask("grant", type=JWT_BEARER, assertion=grant["access_token"])["scope"] == "read"


@pytest.mark.clause("OIDC Core", "5.3", "openid-client reads UserInfo, whose sub is that of the ID token")
def test_openid_client_reads_userinfo(at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    subject = tokens["claims"]["sub"]
    userinfo = at_idp.ask("userinfo", accessToken=tokens["access_token"], subject=subject)
    assert (userinfo["sub"], userinfo["email"], userinfo["email_verified"]) == (subject, BOB, True)


@pytest.mark.clause("OIDC Core", "12.2", "openid-client refreshes the ID token of the same person, once per token")
def test_openid_client_refreshes_once_per_token(
    at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser
) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    fresh = at_idp.ask("refresh", refreshToken=tokens["refresh_token"])
    assert fresh["claims"]["sub"] == tokens["claims"]["sub"]
    assert fresh["refresh_token"] != tokens["refresh_token"]
    with pytest.raises(StrangerError, match="invalid_grant"):
        at_idp.ask("refresh", refreshToken=tokens["refresh_token"])


@pytest.mark.clause("ID-JAG", "4.3", "openid-client exchanges Bob's ID token, redeems the ID-JAG and reads his todos")
def test_openid_client_acts_for_bob(at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    grant = at_idp.ask("grant", **registered.exchange(tokens["id_token"]))
    assert (grant["issued_token_type"], grant["token_type"], grant["scope"]) == (ID_JAG, "n_a", "read")
    todo0 = at_todo0(at_idp, registered)
    access = todo0.ask("grant", type=JWT_BEARER, assertion=grant["access_token"])
    assert (access["token_type"], access["scope"]) == ("bearer", "read")
    answer = todo0.ask("callApi", accessToken=access["access_token"], url=f"{registered.resource}/todos")
    assert (answer["status"], len(answer["body"]["items"]) > 0) == (200, True)


@pytest.mark.clause("RFC 8693", "2.2.2", "openid-client is told of an audience that our IdP does not know")
def test_openid_client_is_told_of_an_unknown_audience(
    at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser
) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    with pytest.raises(StrangerError, match="invalid_target"):
        at_idp.ask("grant", **registered.exchange(tokens["id_token"], audience="http://elsewhere.example"))


@pytest.mark.clause("RFC 7662", "2.2", "openid-client introspects its token, and finds it inactive after revoking it")
def test_openid_client_introspects_and_revokes(
    at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser
) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    grant = at_idp.ask("grant", **registered.exchange(tokens["id_token"]))
    todo0 = at_todo0(at_idp, registered)
    token = todo0.ask("grant", type=JWT_BEARER, assertion=grant["access_token"])["access_token"]
    state = todo0.ask("introspect", token=token)
    assert (state["active"], state["scope"], state["client_id"]) == (True, "read", AT_TODO0)
    todo0.ask("revoke", token=token)
    assert todo0.ask("introspect", token=token)["active"] is False


@pytest.mark.clause("RFC 6749", "5.2", "openid-client with a wrong secret is challenged")
def test_openid_client_with_a_wrong_secret_is_refused(
    at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser
) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    grant = at_idp.ask("grant", **registered.exchange(tokens["id_token"]))
    todo0 = at_todo0(at_idp, registered, secret="wrong")
    with pytest.raises(StrangerError, match='"scheme":"basic"'):
        todo0.ask("grant", type=JWT_BEARER, assertion=grant["access_token"])


@pytest.mark.clause("OIDC Core", "3.1.2.6", "openid-client gets login_required where it may not show a page")
def test_openid_client_is_told_that_prompt_none_needs_a_sign_in(at_idp: Stranger, registered: Registered) -> None:
    with pytest.raises(StrangerError, match="login_required"):
        sign_in(at_idp, registered, HttpBrowser(), prompt="none")


@pytest.mark.clause("OIDC RP-Initiated Logout", "2", "openid-client signs Bob out, and he comes back to the app")
def test_openid_client_signs_bob_out(at_idp: Stranger, registered: Registered, bobs_browser: HttpBrowser) -> None:
    tokens = sign_in(at_idp, registered, bobs_browser)
    back = {"post_logout_redirect_uri": registered.redirect_uri, "state": "the-state"}
    url = at_idp.ask("signOutUrl", id_token_hint=tokens["id_token"], **back)
    page = bobs_browser.submit(bobs_browser.get(url).form_with("post_logout_redirect_uri"))
    assert page.url == f"{registered.redirect_uri}?state=the-state"
    with pytest.raises(StrangerError, match="login_required"):
        sign_in(at_idp, registered, bobs_browser, prompt="none")
