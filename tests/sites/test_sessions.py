"""A session is good on its own site only, and what it shows is kept nowhere."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from idjag_demo.demo.seed import seed
from tenants.models import IdPConnection, Realm, Tenant, User
from tests.support.in_process import Browser, sign_in
from tests.support.kept_rows import forget_rows

HOSTS = {
    "wiki": "wiki.localhost:8000",
    "todo": "todo.localhost:8000",
    "idp": "customer1.idp.localhost:8000",
    "staff": "localhost:8000",
}


def who_is(browser: Client, realm: str) -> str:
    """Return the user name that the site of `realm` shows to the browser; "" if it is not signed in."""
    response = browser.get("/", headers={"host": HOSTS[realm]})
    user = response.context["user"] if response.context else None
    return str(user.realm) if user is not None and user.is_authenticated else ""


@pytest.mark.django_db
@pytest.mark.clause("session confusion", "", "WEB-09")
def test_a_session_copied_to_another_site_is_anonymous() -> None:
    seed()
    for realm in HOSTS:
        user = User.objects.filter(realm=realm).order_by("pk").first()
        assert user
        browser = Client()
        browser.force_login(user, backend="tenants.passwords.RealmBackend")
        for host in HOSTS:
            assert who_is(browser, host) == (realm if host == realm else ""), f"{realm} at {host}"


@pytest.mark.django_db
@pytest.mark.clause("session confusion", "", "WEB-09 OP-24")
def test_a_session_of_one_tenants_idp_is_anonymous_at_anothers() -> None:
    seed()
    john = User.objects.get(realm=Realm.IDP, email="john@tables.fake2")
    browser = Client()
    browser.force_login(john, backend="tenants.passwords.RealmBackend")
    assert who_is(browser, "idp") == ""


@pytest.mark.clause("lifecycle", "", "WEB-11 MT-15")
def test_a_session_ends_with_its_person_or_tenant(walker: Browser) -> None:
    seed()
    sign_in(walker, "wiki", "bob@tables.fake")
    browser = walker.client("http://wiki.localhost:8000")
    assert who_is(browser, "wiki") == "wiki"
    User.objects.filter(realm=Realm.WIKI).update(is_active=False)
    assert who_is(browser, "wiki") == ""
    User.objects.filter(realm=Realm.WIKI).update(is_active=True)
    assert who_is(browser, "wiki") == "wiki"
    Tenant.objects.update(is_active=False)
    assert who_is(browser, "wiki") == ""


@pytest.mark.clause("sign-out", "", "RP-40 WEB-28")
def test_pages_of_a_signed_in_person_are_stored_nowhere(walker: Browser) -> None:
    seed()
    for app, path in (("wiki", "/pages/"), ("todo", "/")):
        sign_in(walker, app, "bob@tables.fake")
        page = walker.get(settings.ORIGINS[app] + path)
        assert page.status == 200
        assert "no-store" in page.response["Cache-Control"]


@pytest.mark.clause("cookies", "", "WEB-06")
def test_cookies_are_for_one_host_and_not_for_scripts(walker: Browser) -> None:
    seed()
    sign_in(walker, "wiki", "bob@tables.fake")
    cookies = walker.client("http://wiki.localhost:8000").cookies
    session = cookies[settings.SESSION_COOKIE_NAME]
    assert (session["httponly"], session["samesite"], session["domain"]) == (True, "Lax", "")
    assert cookies[settings.CSRF_COOKIE_NAME]["domain"] == ""


@pytest.mark.django_db
@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("CSP", "", "XS-27 WEB-25")
def test_every_site_sends_the_headers_that_confine_a_page(realm: str) -> None:
    seed()
    response = Client().get("/", headers={"host": HOSTS[realm]}, follow=realm == "todo")
    policy = response["Content-Security-Policy"]
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    for part in ("default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


def _unbind(user: User) -> None:
    User.objects.filter(pk=user.pk).update(issuer="", sub=None)


def _bind_to_another(user: User) -> None:
    User.objects.filter(pk=user.pk).update(sub="another-subject")


def _disable(user: User) -> None:
    IdPConnection.objects.filter(tenant=user.tenant, app=user.realm).update(enabled=False)


def _lead_elsewhere(user: User) -> None:
    IdPConnection.objects.filter(tenant=user.tenant, app=user.realm).update(issuer="https://another.example")


def _delete(user: User) -> None:
    IdPConnection.objects.filter(tenant=user.tenant, app=user.realm).delete()


@pytest.mark.django_db
@pytest.mark.parametrize("realm", ["wiki", "todo"])
@pytest.mark.parametrize("end", [_unbind, _bind_to_another, _disable, _lead_elsewhere, _delete])
def test_a_session_ends_with_the_binding_of_its_account_and_with_its_connection(
    realm: str, end: Callable[[User], None]
) -> None:
    seed()
    user = User.objects.filter(realm=realm, email="bob@tables.fake").get()
    connection = IdPConnection.objects.get(tenant=user.tenant, app=realm)
    User.objects.filter(pk=user.pk).update(issuer=connection.issuer, sub="bobs-subject")
    user.refresh_from_db()
    browser = Client(headers={"host": HOSTS[realm]})
    browser.force_login(user, backend="tenants.single_sign_on.authentication.SingleSignOnBackend")
    assert browser.get("/api/users/me").status_code == 200
    end(user)
    forget_rows()  # five seconds later
    assert browser.get("/api/users/me").status_code == 401
