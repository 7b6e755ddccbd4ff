"""Which host is which site, and that every one of them answers."""

import pytest
from django.core.checks.urls import check_resolver
from django.test import Client
from django.urls import get_resolver

from authserver.models import AuthorizationServer
from idjag_demo.sites import site_for
from tenants.models import Tenant

URLCONFS = [f"idjag_demo.urls.{realm}" for realm in ("staff", "wiki", "todo", "idp")]


@pytest.mark.parametrize(
    ("host", "realm", "slug"),
    [
        ("localhost:8000", "staff", None),
        ("wiki.localhost:8000", "wiki", None),
        ("todo.localhost:8000", "todo", None),
        ("customer1.idp.localhost:8000", "idp", "customer1"),
    ],
)
def test_a_configured_host_is_its_site(host: str, realm: str, slug: str | None) -> None:
    site = site_for(host)
    assert site is not None
    assert (site.realm, site.tenant_slug, site.origin) == (realm, slug, f"http://{host}")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8001",
        "wiki.localhost",
        "WIKI.localhost:8000",
        "wiki.localhost.:8000",
        "wiki.localhost:8000.evil.example",
        "other.localhost:8000",
        "idp.localhost:8000",
        ".idp.localhost:8000",
        "a.b.idp.localhost:8000",
        "-a.idp.localhost:8000",
        "127.0.0.1:8000",
        "",
    ],
)
def test_any_other_host_is_no_site(host: str) -> None:
    assert site_for(host) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["wiki.localhost:8001", "other.localhost:8000", "unknown.idp.localhost:8000", "evil.example"]
)
def test_any_other_host_is_not_answered(client: Client, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code in (400, 404)


@pytest.mark.django_db
def test_the_idp_of_a_deactivated_tenant_is_not_answered(client: Client) -> None:
    tenant = Tenant.objects.create(slug="acme", name="Acme")
    AuthorizationServer.objects.create(realm="idp", tenant=tenant, issuer="http://acme.idp.localhost:8000")
    host = {"host": "acme.idp.localhost:8000"}
    assert client.get("/.well-known/openid-configuration", headers=host).status_code == 200
    Tenant.objects.filter(pk=tenant.pk).update(is_active=False)
    assert client.get("/.well-known/openid-configuration", headers=host).status_code == 404


@pytest.mark.django_db
def test_a_tenant_with_an_idp_of_its_own_has_no_embedded_one(client: Client) -> None:
    Tenant.objects.create(slug="acme", name="Acme")
    for path in ("/", "/.well-known/openid-configuration", "/oauth2/v1/keys"):
        assert client.get(path, headers={"host": "acme.idp.localhost:8000"}).status_code == 404


@pytest.mark.parametrize("urlconf", URLCONFS)
def test_the_urls_of_every_site_pass_djangos_checks(urlconf: str) -> None:
    assert check_resolver(get_resolver(urlconf)) == []
