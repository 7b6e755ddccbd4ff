"""A bad configuration is said at start-up, with a hint."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crossapp.resource_app.checks import check_settings
from tests.resource_app.fakes import FakeHost

ROOT = Path(__file__).resolve().parents[2]
HOST = "tests.resource_app.fakes.FakeHost"


def ids(settings: Any, **conf: Any) -> list[str | None]:
    settings.CROSSAPP_RESOURCE_APP = {"HOST": HOST, **conf}
    return [message.id for message in check_settings(None)]


def test_the_defaults_are_fine(settings: Any) -> None:
    assert ids(settings) == []


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({"MAX_LIFETME": 300}, "crossapp_resource.E001"),
        ({"host": HOST}, "crossapp_resource.E001"),
        ({"HOST": ""}, "crossapp_resource.E002"),
        ({"HOST": "no.such.Host"}, "crossapp_resource.E002"),
        ({"HOST": "tests.resource_app.fakes.World"}, "crossapp_resource.E002"),
        ({"HTTP_SESSION": "no.such.session"}, "crossapp_resource.E003"),
        ({"HTTP_SESSION": "tests.resource_app.fakes.ISSUER"}, "crossapp_resource.E003"),
        ({"ALGORITHMS": []}, "crossapp_resource.E004"),
        ({"ALGORITHMS": "RS256"}, "crossapp_resource.E004"),
        ({"ALGORITHMS": ["RS256", "none"]}, "crossapp_resource.E004"),
        ({"ALGORITHMS": ["HS256"]}, "crossapp_resource.E004"),
        ({"MAX_LIFETIME": "300"}, "crossapp_resource.E005"),
        ({"CLOCK_SKEW": -1}, "crossapp_resource.E005"),
        ({"KEYS_STALE": 5}, "crossapp_resource.E005"),
        ({"MAX_LIFETIME": 3600}, "crossapp_resource.W001"),
        ({"CLOCK_SKEW": 600}, "crossapp_resource.W001"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_said(settings: Any, conf: dict[str, Any], expected: str) -> None:
    assert ids(settings, **conf) == [expected]


class FormerHost(FakeHost):
    """A host from before `unverified_claims`."""

    def trusted_issuer(self, request: Any, issuer: str) -> None:  # type: ignore[override]
        """Trust no issuer."""


def test_a_method_with_other_arguments_is_said_with_the_right_ones(settings: Any) -> None:
    settings.CROSSAPP_RESOURCE_APP = {"HOST": f"{__name__}.FormerHost"}
    [error] = check_settings(None)
    assert error.id == "crossapp_resource.E002"
    assert error.msg.endswith("lacks trusted_issuer(request, issuer, unverified_claims).")


def test_a_missing_setting_is_said(settings: Any) -> None:
    del settings.CROSSAPP_RESOURCE_APP
    assert [message.id for message in check_settings(None)] == ["crossapp_resource.E002"]


def test_a_cache_that_keeps_nothing_is_said(settings: Any) -> None:
    dummy = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    settings.CACHES = {"default": dummy, "passwords": dummy}
    assert ids(settings) == ["crossapp_resource.E006"]


def test_the_app_stands_alone() -> None:
    """In a product that has no other app of this project: it starts, and its migrations are complete."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.resource_app.minimal_settings"}
    for command in (["check"], ["makemigrations", "--check", "--dry-run"]):
        subprocess.run([sys.executable, "-m", "django", *command], cwd=ROOT, env=environment, check=True)


@pytest.mark.parametrize(
    "module", sorted(path.stem for path in (ROOT / "crossapp/core").glob("*.py") if path.stem != "__init__")
)
def test_the_core_needs_neither_django_nor_oauthlib(module: str) -> None:
    program = f"import sys, crossapp.core.{module}; sys.exit(bool({{'django', 'oauthlib'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
