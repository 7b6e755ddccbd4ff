"""Todo0 and Wiki0 name an authorization endpoint, because clients in the field want one, and it grants nothing."""

import pytest
from django.test import Client

from authserver.models import AuthorizationServer
from tenants.models import Realm


@pytest.mark.django_db
@pytest.mark.parametrize("realm", [Realm.TODO, Realm.WIKI])
@pytest.mark.clause("RFC 8414", "2", "authorization_endpoint is there; response_types_supported says what it is for")
@pytest.mark.clause("RFC 6749", "4.1.2.1", "who may not be redirected is told on the spot")
def test_the_authorization_endpoint_of_an_app_refuses_on_the_spot(realm: Realm) -> None:
    host = f"{realm.value}.localhost:8000"
    AuthorizationServer.objects.create(realm=realm, issuer=f"http://{host}")
    browser = Client(headers={"host": host})
    metadata = browser.get("/.well-known/oauth-authorization-server").json()
    assert metadata["authorization_endpoint"] == f"http://{host}/oauth2/v1/authorize"
    assert metadata["response_types_supported"] == []
    answer = browser.get("/oauth2/v1/authorize", {"response_type": "code", "redirect_uri": "http://evil.example"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_response_type")
    assert answer["Cache-Control"] == "no-store"
    assert "Location" not in answer
