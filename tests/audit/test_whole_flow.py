"""From the sign-in to the card and to a refusal: no token, code or secret is in a row, a line or any other log."""

import logging
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import serializers

from audit.models import AuditEvent
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from idp.models import CrossAppPolicy
from operations.logs import JsonFormatter
from tenants.models import IdPConnection, SubjectTokens
from tests.support.audit_lines import Lines
from tests.support.demo import Demo
from tests.support.in_process import sign_in

_SECRET = ("assertion", "subject_token", "refresh_token", "code", "code_verifier", "token", "client_secret", "state")


@pytest.fixture
def everything_logged() -> Iterator[list[str]]:
    """What any logger says at any level, as a console would show it."""
    texts: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.extend([self.format(record), JsonFormatter().format(record)])

    root, handler = logging.getLogger(), Handler(logging.DEBUG)
    quiet = (None, "crossapp.resource_app.redemption", "idjag_demo.access")
    levels = {name: logging.getLogger(name).level for name in quiet}
    root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield texts
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def secrets_of(demo: Demo) -> set[str]:
    """Return every secret that went over the wire or is kept for the person."""
    found = set()
    for form in [sent.body for sent in demo.network.exchanges] + [urlsplit(url).query for url in demo.browser.visited]:
        for name, values in parse_qs(form).items():
            found |= set(values) if name in _SECRET else set()
    for kept in SubjectTokens.objects.all():
        found |= {kept.id_token, kept.refresh_token}
    found |= {kept.access_token for kept in StoredAccessToken.objects.all()}
    found |= {row.client_secret for row in [*IdPConnection.objects.all(), *ResourceApp.objects.all()]}
    return {secret for secret in found if secret}


@pytest.mark.clause("RFC 9700", "4.2", "TE-84 DC-14 SEC-11")
def test_no_secret_of_the_whole_flow_is_in_a_row_or_a_line(
    demo: Demo, lines: Lines, everything_logged: list[str]
) -> None:
    page = sign_in(demo.browser, "wiki", "bob@tables.fake")
    assert demo.unfurl([demo.link_to("bob@tables.fake")])[0]["card"]
    secrets = secrets_of(demo)
    StoredAccessToken.objects.all().delete()
    CrossAppPolicy.objects.update(enabled=False)
    assert demo.unfurl([demo.link_to("bob@tables.fake")])[0]["card"] is None
    demo.browser.submit(next(form for form in page.forms if form.action.endswith("/sign-out")))
    secrets |= secrets_of(demo)
    acts = list(AuditEvent.objects.order_by("pk").values_list("act", "outcome"))
    assert acts == [
        ("sign_in", "done"),
        ("authorization_code", "done"),
        ("account_change", "done"),  # linked to its subject, at Wiki0 and at Todo0
        ("sign_in", "done"),
        ("token_exchange", "done"),
        ("account_change", "done"),
        ("redemption", "done"),
        ("token_exchange", "refused"),
        ("cross_app_access", "refused"),
        ("sign_out", "done"),
        ("revocation", "done"),
    ]
    assert len(lines.texts) == len(acts)
    kept = serializers.serialize("json", AuditEvent.objects.all())
    assert len(secrets) >= 12
    for where in (kept, "\n".join(lines.texts), "\n".join(everything_logged)):
        assert "eyJ" not in where
        assert "avocado" not in where
        assert not [secret for secret in secrets if secret in where]
