"""Every script of our pages carries the nonce of its answer's Content-Security-Policy."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from idjag_demo.demo.seed import seed
from tenants.models import User
from wiki.models import Article

HOSTS = {"wiki": "wiki.localhost:8000", "todo": "todo.localhost:8000", "idp": "customer1.idp.localhost:8000"}


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True], ids=["", "htmx's own script of the debug mode"])
@pytest.mark.parametrize(
    ("realm", "path", "signed_in"),
    [
        ("wiki", "/sign-in", False),
        ("wiki", "/", True),
        ("wiki", "/pages/{page}", True),
        ("wiki", "/pages/{page}/edit", True),
        ("todo", "/sign-in", False),
        ("todo", "/", True),
        ("todo", "/profile", True),
        ("idp", "/sign-in", False),
    ],
)
@pytest.mark.clause("CSP", "", "XS-27: scripts run by nonce")
def test_every_script_carries_the_nonce_of_the_header(
    realm: str, path: str, signed_in: bool, debug: bool, settings: Settings
) -> None:
    seed()
    settings.DEBUG = debug
    browser = Client(headers={"host": HOSTS[realm]})
    bob = User.objects.create(username="b", realm=realm, tenant_id=User.objects.filter(realm="idp")[0].tenant_id)
    if signed_in:
        browser.force_login(bob, backend="tenants.single_sign_on.authentication.SingleSignOnBackend")
    page = Article.objects.create(author=bob, title="A page", content="<p>Text</p>").pk if realm == "wiki" else 0
    nonces = []
    for _ in range(2):
        response = browser.get(path.format(page=page))
        assert response.status_code == 200
        (nonce,) = re.findall(r"script-src 'self' 'nonce-([^']{20,})'", response["Content-Security-Policy"])
        tags = re.findall(r"<script[^>]*", response.content.decode())
        assert tags
        assert [tag for tag in tags if f'nonce="{nonce}"' not in tag] == []
        nonces.append(nonce)
    assert nonces[0] != nonces[1]
