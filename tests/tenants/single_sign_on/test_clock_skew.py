"""The difference of clocks that a connection accepts in its ID tokens; the audit says by how much a time is off."""

import re

import pytest

from audit.models import Act, AuditEvent
from crossapp.requesting_app.subject_tokens import SubjectTokenRefused
from tenants.models import IdPConnection
from tenants.subject_tokens import SubjectTokenStore
from tests.support.fake_idp import FakeIdp, id_token_claims, sign
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

STORE = SubjectTokenStore()


@pytest.fixture
def browser(connection: IdPConnection, idp: FakeIdp) -> Browser:
    return Browser(idp)


@pytest.mark.parametrize("skew", [0, 95, 300])
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "LIM-13: the connection's skew, at sign-in and at a refresh")
def test_the_accepted_difference_of_clocks_is_the_connections(browser: Browser, skew: int) -> None:
    ahead = {"iat": browser.idp.claims["iat"] + 90}
    browser.idp.claims |= ahead
    IdPConnection.objects.update(clock_skew=skew)
    browser.start()
    answer = browser.come_back()
    if skew == 0:
        refused(browser, answer, 502, "sent an invalid answer")
        detail = AuditEvent.objects.get(act=Act.SIGN_IN).detail
        assert re.fullmatch(r"iat is in the future by \d\d s; 0 s are accepted: compare the clocks", detail)
        return
    assert browser.user is not None
    new = sign(id_token_claims(nonce=None, **ahead))
    assert STORE.replace(browser.user, id_token=new, refresh_token="").id_token == new
    IdPConnection.objects.update(clock_skew=30)
    with pytest.raises(SubjectTokenRefused, match="30 s are accepted"):
        STORE.replace(browser.user, id_token=sign(id_token_claims(nonce=None, **ahead)), refresh_token="")
