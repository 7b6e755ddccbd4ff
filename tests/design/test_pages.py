"""The pages that belong to no product: landing, single sign-on, embedded IdP, errors."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.http import Http404, HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import set_urlconf
from pytest_django import Settings

from authserver.models import AuthorizationServer
from idjag_demo import views
from idjag_demo.sites import site_for
from idp.views.sign_in import SignInForm
from tenants.models import Tenant, User
from tenants.single_sign_on.forms import EmailForm

WIKI = "wiki.localhost:8000"
IDP = "customer1.idp.localhost:8000"
MARKUP = "<b>Fake & Org</b>"
POLICY = SimpleNamespace(
    client=SimpleNamespace(client_id="wiki0"),
    audience="http://todo.localhost:8000",
    resource="http://todo.localhost:8000/api",
    scope="read write",
    client_id_at_audience="wiki0-at-todo0",
)
BOB = SimpleNamespace(is_authenticated=True, display_name="Bobby Tables", email="bob@tables.fake")

PAGES: list[tuple[str, str, dict[str, Any]]] = [
    (WIKI, "sign_in/email.html", {"form": EmailForm({"email": "nobody"}), "next": "/pages/"}),
    (WIKI, "sign_in/signed_out.html", {"idp_sign_out_url": "http://customer1.idp.localhost:8000/oauth2/v1/logout"}),
    (WIKI, "sign_in/failed.html", {"reason": "Your organisation's sign-in page does not answer."}),
    (IDP, "idp/sign_in.html", {"form": SignInForm({}), "next": "/", "client_name": "Wiki0", "demo_accounts": []}),
    (IDP, "idp/sign_out.html", {"parameters": {"state": "abc"}}),
    (IDP, "idp/signed_out.html", {}),
    (IDP, "idp/error.html", {"error": "invalid_request", "description": "Mismatching redirect URI."}),
    (IDP, "idp/home.html", {"policies": [POLICY]}),
    (WIKI, "400.html", {}),
    (WIKI, "403.html", {}),
    (
        WIKI,
        "unsent.html",
        {"title": "This form has expired", "reason": "Why.", "link": "/", "link_text": "Go", "typed": ["x y"]},
    ),
    (WIKI, "404.html", {}),
]


@pytest.fixture(autouse=True)
def _urlconf_of_the_thread() -> Any:
    yield
    set_urlconf(None)


def _request(host: str, path: str = "/", user: Any = None) -> HttpRequest:
    """Return a request as the middleware hands it on to the views."""
    request = RequestFactory().get(path, headers={"host": host})
    request.site = site_for(host)
    request.tenant = Tenant(name=MARKUP, slug="customer1") if host == IDP else None
    request.user = user or AnonymousUser()
    set_urlconf(request.site.urlconf if request.site else None)
    return request


@pytest.mark.django_db
@pytest.mark.parametrize(("host", "template", "context"), PAGES, ids=[page[1] for page in PAGES])
@pytest.mark.parametrize("user", [None, BOB], ids=["anonymous", "signed in"])
def test_every_page_keeps_to_the_content_security_policy_and_has_one_heading(
    host: str, template: str, context: dict[str, Any], user: Any
) -> None:
    page = render_to_string(template, context, request=_request(host, user=user))

    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", page)
    assert page.count("<h1") == 1
    assert MARKUP not in page


@pytest.mark.django_db
def test_the_landing_page_names_the_active_embedded_idps_and_no_other() -> None:
    for slug, name, active in (("customer1", "Fake Org", True), ("customer2", "Gone Org", False)):
        tenant = Tenant.objects.create(slug=slug, name=name, is_active=active)
        issuer = f"http://{slug}.idp.localhost:8000"
        AuthorizationServer.objects.create(realm="idp", tenant=tenant, issuer=issuer)

    page = views.landing(_request("localhost:8000")).content.decode()

    assert 'href="http://customer1.idp.localhost:8000"' in page
    assert "Gone Org" not in page


@pytest.mark.django_db
def test_outside_the_demo_the_landing_page_names_no_customer_and_no_walk(settings: Any) -> None:
    settings.DEMO = False
    tenant = Tenant.objects.create(slug="customer1", name="Fake Org")
    AuthorizationServer.objects.create(realm="idp", tenant=tenant, issuer="http://customer1.idp.localhost:8000")
    page = views.landing(_request("localhost:8000")).content.decode()
    for word in ("Fake Org", "customer1", "Try", "same password"):
        assert word not in page
    assert "Open Wiki0" in page


@pytest.mark.django_db
@pytest.mark.parametrize("demo", [True, False])
def test_the_demo_accounts_are_shown_in_demo_mode_only(settings: Any, demo: bool) -> None:
    settings.DEMO = demo
    tenant = Tenant.objects.create(slug="customer1", name="Fake Org")
    User.objects.create(
        username="bob",
        realm="idp",
        tenant=tenant,
        sub="1",
        first_name="Bobby",
        last_name="Tables",
        email="bob@tables.fake",
    )
    page = views.landing(_request("localhost:8000")).content.decode()
    form = render_to_string("sign_in/email.html", {"form": EmailForm()}, request=_request(WIKI))

    assert ("bob@tables.fake" in page, "avocado" in page, "bob@tables.fake" in form) == (demo, demo, demo)


@pytest.mark.django_db
def test_the_landing_page_works_with_an_empty_database() -> None:
    assert "The database is empty" in views.landing(_request("localhost:8000")).content.decode()


def test_what_an_app_sends_to_the_idp_is_escaped_on_the_error_page() -> None:
    context = {"error": "<script>", "description": MARKUP}
    page = render_to_string("idp/error.html", context, request=_request(IDP))

    assert "<script>" not in page
    assert MARKUP not in page
    assert "&lt;b&gt;Fake &amp; Org&lt;/b&gt;" in page


@pytest.mark.django_db
def test_the_sign_in_form_keeps_what_was_typed_and_says_what_is_wrong() -> None:
    form = EmailForm({"email": '"><script>'})
    page = render_to_string("sign_in/email.html", {"form": form, "next": '/"x'}, request=_request(WIKI))

    assert 'value="&quot;&gt;&lt;script&gt;"' in page
    assert 'name="next" value="/&quot;x"' in page
    assert "Enter an email address." in page


def test_a_password_is_never_sent_back() -> None:
    form = SignInForm({"email": "bob@tables.fake", "password": "secret"})
    page = render_to_string("idp/sign_in.html", {"form": form}, request=_request(IDP))

    assert 'value="bob@tables.fake"' in page
    assert "secret" not in page


@pytest.mark.parametrize("demo", [True, False])
def test_a_host_that_no_site_answers_on_gets_404_that_names_a_site_in_the_demo_only(
    settings: Settings, demo: bool
) -> None:
    settings.DEMO = demo
    for exception in (DisallowedHost("evil.example"), Http404("No site has this host name.")):
        handler = views.bad_request if isinstance(exception, DisallowedHost) else views.not_found
        response = handler(_request("evil.example"), exception)

        assert response.status_code == 404
        assert ("localhost" in response.content.decode()) is demo


def test_an_error_page_needs_no_database() -> None:
    assert views.not_found(_request(WIKI), Http404()).status_code == 404
    assert views.forbidden(_request(WIKI), PermissionDenied()).status_code == 403
    assert views.bad_request(_request(WIKI), ValueError()).status_code == 400
    assert views.csrf_failure(_request(WIKI), "stale").status_code == 403
    assert views.server_error(_request(WIKI)).status_code == 500


@pytest.mark.parametrize("path", ["/api/nothing", "/oauth2/v1/nothing", "/.well-known/nothing"])
def test_programs_get_errors_as_json(path: str) -> None:
    response = views.not_found(_request(WIKI, path), Http404())

    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"
    assert b'"error": "not_found"' in response.content
