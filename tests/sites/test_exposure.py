"""What no host shows: other sites' addresses, files of the project, its settings, and which tenants there are."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from authserver.models import AuthorizationServer
from idjag_demo.demo.seed import seed
from tenants.models import Tenant
from tests.sites.test_endpoints import HOSTS, addresses, signed_in_at
from tests.support.encryption import encryption_keys

ROOT = Path(__file__).resolve().parents[2]

# The paths that a library or framework would answer if all its URLs were mounted.
NOT_MOUNTED = [
    "/o/applications/",
    "/o/authorized_tokens/",
    "/o/token/",
    "/applications/",
    "/applications/register/",
    "/authorized_tokens/",
    "/oauth2/v1/applications/",
    "/oauth2/v1/register",
    "/oauth2/v1/device_authorization",
    "/oauth2/v1/device",
    "/oidc/authenticate/",
    "/oidc/callback/",
    "/accounts/login/",
    "/api-auth/login/",
    "/api/schema/",
    "/api/schema",
    "/schema/",
    "/graphql",
    "/__debug__/",
    "/__debug__/render_panel/",
    "/silk/",
    "/debug",
    "/env",
    "/info",
    "/actuator/env",
    "/server-status",
    "/phpinfo.php",
    "/django-admin/",
    "/jsi18n/",
]
NOT_SERVED = [
    "/.git/config",
    "/.git/HEAD",
    "/.env",
    "/.env.example",
    "/.gitignore",
    "/manage.py",
    "/idjag_demo/settings.py",
    "/requirements.txt",
    "/Dockerfile",
    "/docker-compose.yml",
    "/var/db.sqlite3",
    "/var/demo-secrets",
    "/db.sqlite3",
    "/backup.sql",
    "/templates/base.html",
    "/media/",
    "/static/",
    "/static/../idjag_demo/settings.py",
    "/static/%2e%2e/idjag_demo/settings.py",
    "/static/..%2fidjag_demo/settings.py",
    "/static/.git/config",
    "/static//etc/passwd",
    "/static/idjag_demo.css.map",
]


@pytest.fixture
def demo(db: None) -> None:
    seed()


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("URL namespaces", "", "WEB-16")
def test_an_address_of_another_site_is_none_here(demo: None, realm: str) -> None:
    here = set(addresses(realm))
    elsewhere = {path for other in HOSTS for path in addresses(other)} - here
    assert len(elsewhere) > 5
    browser = signed_in_at(realm)
    for path in sorted(elsewhere):
        for method in ("GET", "POST"):
            assert browser.generic(method, path).status_code == 404, f"{method} {path}"


@pytest.mark.clause("URL namespaces", "", "WEB-16")
def test_the_apps_have_no_endpoint_of_an_openid_provider(demo: None) -> None:
    for host in (HOSTS["wiki"], HOSTS["todo"]):
        browser = Client(headers={"host": host})
        for path in ("/oauth2/v1/userinfo", "/oauth2/v1/logout", "/.well-known/openid-configuration"):
            assert browser.get(path).status_code == 404, path
        answer = browser.get("/oauth2/v1/authorize", {"client_id": "wiki0", "response_type": "code"})
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_response_type")


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("URL namespaces", "", "WEB-16 WEB-20")
def test_nothing_is_mounted_for_developers_or_by_a_library(demo: None, realm: str) -> None:
    browser = signed_in_at(realm)
    for path in NOT_MOUNTED:
        for method in ("GET", "POST"):
            assert browser.generic(method, path).status_code == 404, f"{method} {path}"


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("OWASP ASVS", "13.4", "WEB-20")
def test_no_file_of_the_project_is_served(demo: None, realm: str) -> None:
    browser = signed_in_at(realm)
    assert browser.get("/static/idjag_demo.css").status_code == 200
    for path in NOT_SERVED:
        assert browser.get(path).status_code == 404, path


@pytest.mark.parametrize("part", ["bytes=0-9", "bytes={size}-", "bytes=-5"])
def test_a_static_file_comes_whole_whatever_part_is_asked_for(part: str) -> None:
    """Chromium would take a 416 for the script that it has loaded already, but for the end."""
    style = (ROOT / "static" / "idjag_demo.css").read_bytes()
    asked = {"host": "wiki.localhost:8000", "range": part.format(size=len(style))}
    response = Client(headers=asked).get("/static/idjag_demo.css")
    assert response.status_code == 200
    assert b"".join(response) == style


@pytest.mark.clause("OWASP ASVS", "13.4", "WEB-20")
def test_our_own_static_files_come_without_source_maps() -> None:
    ours = [path for path in (ROOT / "static").rglob("*") if path.is_file()]
    assert {path.suffix for path in ours} <= {".js", ".css", ".svg", ".png", ".ico", ".woff2", ".webmanifest"}
    texts = [path.read_text() for path in ours if path.suffix in (".js", ".css")]
    assert texts and not any("sourceMappingURL" in text for text in texts)


def failing(*args: Any, **kwargs: Any) -> None:
    password = "canary-in-a-local-variable"
    raise RuntimeError(f"canary-in-an-exception {len(password)}")


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("OWASP ASVS", "16.5.1", "LIM-19 SEC-16 WEB-20")
def test_a_failure_shows_nothing_of_the_code_or_the_settings(
    demo: None, realm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in_at(realm)
    monkeypatch.setattr("django.middleware.security.SecurityMiddleware.process_response", failing)
    for path, is_json in (("/", False), ("/oauth2/v1/keys", True), ("/api/users/me", True), ("/nothing", False)):
        response = browser.get(path)
        text = response.content.decode()
        assert response.status_code == 500, path
        assert not re.search(r"canary|Traceback|RuntimeError|\.py|DJANGO_|urlpatterns", text), path
        if is_json:
            expected = {"error": "server_error", "error_description": "The server failed. The error has been logged."}
            assert (response.json(), response["Cache-Control"]) == (expected, "no-store")
        else:
            assert "<h1>Something went wrong</h1>" in text


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("OWASP ASVS", "13.4", "SEC-16")
def test_no_page_shows_the_environment_or_a_setting(demo: None, realm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDJAG_CANARY", "canary-of-the-environment")
    secrets = [
        "canary-of-the-environment",
        settings.SECRET_KEY,
        *encryption_keys(),
        str(settings.DATABASES["default"]["NAME"]),
        str(ROOT),
        os.environ["PATH"],
    ]
    browser = signed_in_at(realm)
    for path in addresses(realm):
        for query in ("", "?debug=1&DEBUG=true&settings=SECRET_KEY"):
            response = browser.get(path + query)
            text = str(response.headers) + response.getvalue().decode()
            assert not [secret for secret in secrets if secret in text], path


@pytest.mark.clause("enumeration", "", "WEB-15 MT-32")
def test_a_host_says_nothing_about_which_tenants_there_are(demo: None) -> None:
    Tenant.objects.filter(slug="customer2").update(is_active=False)
    AuthorizationServer.objects.filter(tenant__slug="customer3").delete()
    hosts = {f"{slug}.idp.localhost:8000": slug for slug in ("nobody", "customer2", "customer3")}
    names = list(Tenant.objects.values_list("name", flat=True))
    for path in ("/", "/sign-in", "/.well-known/openid-configuration", "/oauth2/v1/keys", "/oauth2/v1/token"):
        answers = set()
        for host in hosts:
            response = Client(headers={"host": host, "x-request-id": "the-request"}).get(path)
            text = re.sub(r"nonce-[\w+/=-]+", "", str(response.headers)) + response.content.decode()
            assert not [name for name in (*names, *hosts.values()) if name in text], host
            answers.add((response.status_code, text))
        assert [status for status, _ in answers] == [404], path
