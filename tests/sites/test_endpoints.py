"""A walk over every address of every site: methods, foreign forms, and bodies that are meant to hurt."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from idjag_demo.demo.seed import seed
from tenants.models import Realm, User

HOSTS = {
    "staff": "localhost:8000",
    "wiki": "wiki.localhost:8000",
    "todo": "todo.localhost:8000",
    "idp": "customer1.idp.localhost:8000",
}
OAUTH = {"/oauth2/v1/token", "/oauth2/v1/revoke", "/oauth2/v1/introspect"}
# What changes something, and so answers no GET; the rest answers a POST too, or shows a form first.
POST_ONLY = {
    "wiki": {*OAUTH, "/sign-out", "/api/articles/demo", "/api/articles/unfurl"},
    "todo": {*OAUTH, "/sign-out", "/todos/1/complete", "/todos/1/delete"},
    "idp": OAUTH,
    "staff": set(),
}


def addresses(realm: str) -> list[str]:
    """Return one address for each URL pattern of the site; the admin's once only, it is Django's."""
    found = {_filled_in(route) for route in _routes(get_resolver(f"idjag_demo.urls.{realm}").url_patterns, "/")}
    admin = {"/admin/", "/admin/login/", "/admin/logout/", "/admin/tenants/user/", "/admin/tenants/user/add/"}
    return sorted(path for path in found if not path.startswith("/admin/") or path in admin)


def _routes(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def _filled_in(route: str) -> str:
    """Put 1 where the route has a parameter."""
    before, bracket, after = route.partition("<")
    return before + "1" + _filled_in(after.partition(">")[2]) if bracket else route


FORM = "application/x-www-form-urlencoded"
EVERYWHERE = [(realm, path) for realm in HOSTS for path in addresses(realm)]


@pytest.fixture
def demo(db: None) -> None:
    seed()


def signed_in_at(realm: str, **extra: Any) -> Client:
    """Return a browser in which the first person of the realm is signed in, with a todo and a page numbered 1."""
    browser = Client(headers={"host": HOSTS[realm]}, raise_request_exception=False, **extra)
    user = User.objects.filter(realm=realm).order_by("pk").first()
    if user is None:
        tenant = User.objects.filter(realm=Realm.IDP).order_by("pk")[0].tenant
        user = User.objects.create(username=f"{realm}:walker", realm=realm, tenant=tenant, sub="walker")
    browser.force_login(user, backend="tenants.passwords.RealmBackend")
    return browser


def is_for_programs(path: str) -> bool:
    """Say whether errors at `path` are JSON: below the paths that programs call, but for the pages among them."""
    pages = ("/oauth2/v1/authorize", "/oauth2/v1/logout")
    return path.startswith(("/api/", "/oauth2/", "/.well-known/")) and path not in pages


def everything() -> str:
    """Return the whole database but its sessions and what the audit wrote."""
    models = [model for model in apps.get_models() if model._meta.app_label not in ("sessions", "audit")]
    rows = [row for model in models for row in model._default_manager.order_by("pk")]
    return serializers.serialize("json", rows)


def test_the_walk_finds_the_sites() -> None:
    assert len(EVERYWHERE) > 60
    for realm, paths in POST_ONLY.items():
        assert paths <= set(addresses(realm)), paths - set(addresses(realm))


@pytest.mark.clause("RFC 9110", "9.2.1", "WEB-01 WEB-27 WEB-26 LIM-19")
@pytest.mark.parametrize("realm", HOSTS)
def test_a_get_changes_nothing_anywhere_and_a_head_says_the_same(demo: None, realm: str) -> None:
    for path in addresses(realm):
        browser = signed_in_at(realm)
        before = everything()
        got = browser.get(path)
        head = browser.head(path)
        assert got.status_code < 500, path
        if path.startswith("/admin/") or path == "/sign-in/callback":
            continue  # Django's own answers HEAD in its way; a sign-in is no business of a HEAD
        assert head.status_code == got.status_code, path
        assert b"".join(head) == b"", path
        assert head.get("Content-Type") == got.get("Content-Type"), path
        if path in POST_ONLY[realm]:
            assert got.status_code == 405, path
            assert "GET" not in got["Allow"], path
        overridden = browser.get(path, {"_method": "DELETE"}, headers={"x-http-method-override": "DELETE"})
        assert overridden.status_code == got.status_code or got.status_code in (302, 400), path
        assert everything() == before, path


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("CSRF", "", "WEB-02 WEB-03 WEB-04 WEB-05")
def test_no_foreign_page_can_post(demo: None, realm: str) -> None:
    browser = signed_in_at(realm, enforce_csrf_checks=True)
    browser.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    before = everything()
    sibling = f"http://{HOSTS['todo' if realm != 'todo' else 'wiki']}"
    for path in addresses(realm):
        for origin in ("null", "https://evil.example", sibling):
            for content_type in (FORM, "text/plain", "application/json"):
                headers = {"origin": origin, "x-csrftoken": "a" * 32}
                body = b'{"task": "x", "urls": [], "title": "x"}'
                response = browser.generic("POST", path, body, content_type, headers=headers)
                # The OAuth endpoints ask for a client's credentials, userinfo for a token; neither looks at a cookie.
                # An authorization request may come from anywhere; one by POST is sent on as the GET that it stands for.
                refused = response.status_code in (400, 401, 403, 404, 405, 415)
                is_sent_on = (path, response.status_code) == ("/oauth2/v1/authorize", 303)
                assert refused or is_sent_on, f"{path} {origin} {content_type}"
    assert everything() == before


NASTY: dict[str, tuple[bytes, str]] = {
    "20,000 fields": (b"&".join(b"f%d=1" % number for number in range(20_000)), FORM),
    "20,000 fields of one name": (b"a=1&" * 20_000, FORM),
    "not UTF-8": (b"a=\xff\xfe&grant_type=%ff&email=%ff&next=%ff", FORM),
    "an unknown charset": (b"a=b", FORM + "; charset=nonsense"),
    "UTF-16": ("a=b&grant_type=x".encode("utf-16"), FORM + "; charset=utf-16"),
    "NUL": (b"a=%00&grant_type=%00&client_id=%00&email=%00&token=%00&next=%00&task=%00&title=%00", FORM),
    "a lone surrogate": (b"email=%ed%a0%80&task=%ed%a0%80&grant_type=%ed%a0%80&client_id=%ed%a0%80", FORM),
    "multipart without boundary": (b"--x\r\n", "multipart/form-data"),
    "multipart with a broken boundary": (b"--x\r\n\r\n", 'multipart/form-data; boundary="\xff"'),
    "multipart cut off": (b'--x\r\nContent-Disposition: form-data; name="a"\r\n', "multipart/form-data; boundary=x"),
    "multipart of nonsense": (b"\xff" * 5000, "multipart/form-data; boundary=x"),
    "2,000 parts": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2000 + b"--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    "deep JSON": (b"[" * 100_000, "application/json"),
    "deep and closed JSON": (b"[" * 20_000 + b"]" * 20_000, "application/json"),
    "JSON that is no object": (b"1", "application/json"),
    "a number without end": (b'{"version": ' + b"9" * 5000 + b"}", "application/json"),
    "JSON in UTF-16": (json.dumps({"task": "x"}).encode("utf-16"), "application/json; charset=utf-16"),
    "JSON that is not UTF-8": (b'{"task": "\xff"}', "application/json"),
    "JSON with a lone surrogate": (rb'{"task": "\ud800", "title": "\ud800", "urls": ["\ud800"]}', "application/json"),
    "JSON with NUL": (rb'{"task": "\u0000", "title": "\u0000", "urls": ["\u0000"]}', "application/json"),
    "no content type": (b"a=b", ""),
    "a content type of nonsense": (b"a=b", "\xff/;;;="),
}  # fmt: skip


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("robustness", "", "LIM-03 LIM-19 WEB-23")
def test_no_body_makes_an_endpoint_fail(demo: None, realm: str) -> None:
    browser, failed = signed_in_at(realm), []
    for path in addresses(realm):
        for method in ("POST", "PUT") if path.startswith("/api/") else ("POST",):
            for name, (body, content_type) in NASTY.items():
                if path in ("/sign-out", "/oauth2/v1/logout"):
                    browser = signed_in_at(realm)
                status = browser.generic(method, path, body, content_type).status_code
                if status >= 500:
                    failed.append(f"{method} {path} {name}: {status}")
    assert not failed


READS_FORMS = [
    ("staff", "/admin/login/"),
    ("wiki", "/sign-in"),
    ("wiki", "/oauth2/v1/token"),
    ("wiki", "/oauth2/v1/revoke"),
    ("wiki", "/pages/create"),
    ("todo", "/"),
    ("idp", "/sign-in"),
    ("idp", "/oauth2/v1/token"),
    ("idp", "/oauth2/v1/logout"),
]


@pytest.mark.parametrize(("realm", "path"), READS_FORMS)
@pytest.mark.clause("robustness", "", "LIM-03")
def test_a_form_of_20_000_fields_is_a_bad_request(demo: None, realm: str, path: str) -> None:
    for name in ("20,000 fields", "20,000 fields of one name"):
        assert signed_in_at(realm).generic("POST", path, *NASTY[name]).status_code == 400


class Unread(io.BytesIO):
    def read(self, *args: object) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("RFC 9110", "15.5.14", "LIM-01")
def test_a_body_that_is_too_large_is_refused_unread(demo: None, realm: str) -> None:
    browser = Client(headers={"host": HOSTS[realm]})
    for path in addresses(realm):
        for length in (
            str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1),
            "1" + "0" * 30,
            "0" * 30 + "1",
            "0" * 5000,
            "-1",
            "many",
        ):
            for content_type in (FORM, "application/json", "multipart/form-data; boundary=x"):
                extra = {"CONTENT_LENGTH": length, "CONTENT_TYPE": content_type, "wsgi.input": Unread()}
                response = browser.post(path, **extra)
                assert response.status_code == 413, f"{path} {length} {content_type}"
                if is_for_programs(path):
                    assert response.json()["error"] == "invalid_request"
