"""Signing in and out at an IdP whose endpoints have a query, as those of Azure AD B2C do."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.fake_idp import ISSUER, FakeIdp
from tests.tenants.single_sign_on.test_sign_in import Browser

pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def browser(idp: FakeIdp) -> Browser:
    for name in ("authorization", "token", "revocation", "end_session"):
        idp.metadata[f"{name}_endpoint"] += "?p=b2c_1_sign_in"
    idp.metadata["jwks_uri"] += "?p=b2c_1_sign_in"
    return Browser(idp)


@pytest.mark.clause("RFC 6749", "3.1", "the query of the authorization endpoint is retained")
def test_the_browser_is_sent_on_with_the_query_and_our_parameters_once_each(browser: Browser) -> None:
    location = browser.start()["Location"]
    assert location.startswith(f"{ISSUER}/authorize?p=b2c_1_sign_in&response_type=code&")
    names = [name for name, _ in parse_qsl(urlsplit(location).query)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.clause("RFC 6749", "3.2", "the query of the token endpoint is retained")
def test_one_signs_in_and_out_with_every_request_carrying_the_query(browser: Browser) -> None:
    assert browser.sign_in().status_code == 302
    assert browser.user
    browser.client.post("/sign-out")
    for path in ("/token", "/keys", "/revoke"):
        assert [urlsplit(str(sent.url)).query for sent in browser.idp.to(path)] == ["p=b2c_1_sign_in"], path
    url = browser.client.get("/signed-out").context["idp_sign_out_url"]
    assert url.startswith(f"{ISSUER}/logout?p=b2c_1_sign_in&client_id=")


@pytest.mark.parametrize("endpoint", ["https://idp.example/authorize?p=x#y", "https://me@idp.example/authorize?p=x"])
def test_a_fragment_or_user_name_is_still_refused(browser: Browser, endpoint: str) -> None:
    browser.idp.metadata["authorization_endpoint"] = endpoint
    assert browser.start().status_code == 502
