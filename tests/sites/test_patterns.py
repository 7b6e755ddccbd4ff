"""Regular expressions that read what others send, and tokens that are too long to be read at all."""

import importlib
import pkgutil
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser

from base.emails import validate_email_address
from base.text import one_line
from crossapp.core import jws
from crossapp.core.oauth_text import is_scope
from tenants.issuers import validate_issuer
from tenants.models import Tenant
from tenants.single_sign_on.forms import own_path
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.legs import exchange, id_jag_of, idp_of, is_refused, redeem
from wiki.content import sanitise
from wiki.debug_console import masked
from wiki.links import name_links, todo_id

PACKAGES = ("audit", "authserver", "base", "crossapp", "idjag_demo", "idp", "operations", "tenants", "todo", "wiki")
SECONDS = 2.0  # of this process's own time: a pattern that is not linear needs minutes
LONG = 100_000
PIECES = [
    "a",
    "a.",
    "a-",
    "-",
    ".",
    " ",
    "a ",
    "@",
    "a@",
    "%",
    "/",
    "//",
    "<",
    "<a ",
    "http://",
    "eyJ",
    "eyJ.",
    "ey0.a.",
    "\\",
    '"',
    "1",
    "=",
    "A-a0",
]
HOSTILE = [
    start + (piece * LONG)[:LONG] + end for piece in PIECES for start, end in (("", ""), ("", "\x00!"), ("a@", "!"))
]


@contextmanager
def own_time(seconds: float) -> Iterator[None]:
    """Raise AssertionError when this process has worked for so long."""

    def over(*args: object) -> None:
        raise AssertionError(f"more than {seconds:g} s of work")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


# What a pattern never gets to see, because something else reads the text first.
AFTER_THE_SANITISER = {"wiki.models._TAG": "<", "wiki.links._IN_HTML": "<"}


def patterns() -> Iterator[tuple[str, re.Pattern[str], str]]:
    """Yield every compiled pattern of the project's modules, with each method it is used by."""
    for package in PACKAGES:
        for module in _modules(package):
            source = Path(str(module.__file__)).read_text()
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    methods = set(
                        re.findall(rf"\b{name}\.(fullmatch|match|search|sub|split|findall|finditer)\b", source)
                    )
                    for method in sorted(methods):
                        yield f"{module.__name__}.{name}.{method}", value, method


NOT_LOADED = {"idjag_demo.wsgi"}  # it takes over the process


def _modules(package: str) -> Iterator[Any]:
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not {"migrations", "commands"} & set(found.name.split(".")) and found.name not in NOT_LOADED:
            yield importlib.import_module(found.name)


def test_the_stopwatch_stops_what_is_not_linear() -> None:
    with pytest.raises(AssertionError, match="of work"), own_time(0.2):
        re.fullmatch(r"(a+)+", "a" * 50 + "!")


@pytest.mark.clause("CWE", "1333", "LIM-05")
def test_every_pattern_is_linear() -> None:
    found = list(patterns())
    assert len(found) >= 10
    for name, pattern, method in found:
        run, unseen = getattr(pattern, method), AFTER_THE_SANITISER.get(name.rpartition(".")[0], "\0none")
        with own_time(SECONDS):
            for text in HOSTILE:
                if unseen not in text:
                    found_here = run("", text) if method == "sub" else run(text)
                    if method == "finditer":
                        list(found_here)


READERS: list[Callable[[str], Any]] = [
    validate_email_address,
    validate_issuer,
    own_path,
    is_scope,
    todo_id,
    sanitise,
    name_links,
    masked,
    jws.parse_jws,
    lambda text: one_line(text, 200),
    lambda text: Tenant(slug=text, name="x").full_clean(validate_unique=False),
]
NAMES = ["email", "issuer", "next", "scope", "link", "page", "preview", "console", "jws", "title", "slug"]


@pytest.mark.django_db
@pytest.mark.parametrize("reader", READERS, ids=NAMES)
@pytest.mark.clause("CWE", "1333", "LIM-05")
def test_what_reads_a_long_text_is_done_soon(reader: Callable[[str], Any]) -> None:
    with own_time(2 * SECONDS):
        for text in HOSTILE:
            try:
                reader(text)
            except (ValidationError, ValueError):
                pass


TOO_LONG = [
    "eyJ" + "a" * 16_400,
    "a" * 100_000,
    "." * 100_000,
    "e30." * 30_000,
    "eyJhbGciOiJSUzI1NiJ9." + "a" * 20_000 + ".a",
]


@pytest.mark.clause("RFC 8725", "3.11", "LIM-04")
def test_a_token_that_is_too_long_is_refused_before_it_is_read(
    demo: Demo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sign_in(demo.browser, "wiki", "bob@tables.fake")
    assert redeem(id_jag_of("bob@tables.fake")).status_code == 200

    def unread(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(jws, "_base64url", unread)
    monkeypatch.setattr("idp.subject_tokens.jwt.get_unverified_header", unread)
    for token in TOO_LONG:
        with own_time(SECONDS):
            assert is_refused(redeem(token), "invalid_grant")
            assert is_refused(exchange("bob@tables.fake", subject_token=token), "invalid_grant")


@pytest.mark.clause("RFC 8725", "3.11", "LIM-04")
def test_a_client_assertion_that_is_too_long_is_refused_too(demo: Demo) -> None:
    for host in ("todo.localhost:8000", idp_of("customer1")):
        for token in TOO_LONG:
            form = {
                "grant_type": "refresh_token",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": token,
            }
            with own_time(SECONDS):
                answer = Browser().post(
                    "/oauth2/v1/revoke",
                    "&".join(f"{name}={value}" for name, value in (form | {"token": "x"}).items()),
                    content_type="application/x-www-form-urlencoded",
                    headers={"host": host},
                )
            assert is_refused(answer, "invalid_client", 401)
