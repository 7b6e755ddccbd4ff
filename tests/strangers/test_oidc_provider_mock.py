"""PyPI's oidc-provider-mock, unmodified, as a company's IdP for Wiki0.

Its metadata name no authentication methods and no revocation endpoint, and its ID tokens have no auth_time.
"""

from collections.abc import Iterator

import oidc_provider_mock
import pytest
from django.conf import settings

from tests.strangers.company import EMAIL, NAME, Company, Visitor

STRANGER = "oidc-provider-mock"
CLAIMS = {"email": EMAIL, "email_verified": True, "name": NAME}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """An IdP that takes any client and knows Mía."""
    mia = oidc_provider_mock.User(sub="mia", claims=CLAIMS)
    with oidc_provider_mock.run_server_in_thread(user_claims=[mia]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def visitor(live_demo: dict[str, str], issuer: str) -> Visitor:
    acme = Company(issuer)
    acme.connect("wiki", "wiki0")
    return Visitor(acme, sub="mia")


@pytest.mark.clause("OIDC Core", "3.1.3", "a person of oidc-provider-mock signs in")
def test_a_person_of_oidc_provider_mock_signs_in(visitor: Visitor) -> None:
    page = visitor.signs_in("wiki")
    assert (page.status, page.url.startswith(settings.ORIGINS["wiki"])) == (200, True), page.text[:400]
    assert NAME in page.text
    account = visitor.company.account("wiki")
    assert (account.sub, account.email) == ("mia", EMAIL)
