"""The private names of django-oauth-toolkit and oauthlib that this project overrides or calls, in one place.

An update of either may drop one without a word: then a method here overrides nothing any more, or a call fails.
"""

import ast
import inspect
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from oauth2_provider.models import AbstractAccessToken, AbstractApplication, AbstractRefreshToken
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase
from oauthlib.openid import Server

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("authserver", "idp", "idjag_demo", "operations", "audit", "tenants", "base", "crossapp", "wiki", "todo")
LIBRARIES = ("oauth2_provider", "oauthlib")

PRIVATE_NAMES: dict[type[Any], set[str]] = {
    OAuth2Validator: {
        "_authenticate_basic_auth",
        "_authenticate_request_body",
        "_check_and_set_request_resource",
        "_check_secret",
        "_create_authorization_code",
        "_create_refresh_token",
        "_extract_basic_auth",
        "_get_key_for_token",
        "_load_application",
        "_save_bearer_token",
    },
    OAuthLibCore: {"_get_escaped_full_path"},
    Request: {"_params"},
    GrantTypeBase: {"_get_default_headers"},
}
WITHOUT_ANY = (AbstractAccessToken, AbstractApplication, AbstractRefreshToken, OAuthLibMixin, Server)
OF_DJANGO = {"_meta"}


@cache
def private_names_of(library: type[Any]) -> set[str]:
    """Return the private names that `library` and its bases in the two packages define: in the class or for `self`."""
    bases = [base for base in library.__mro__ if base.__module__.startswith(LIBRARIES)]
    names = {name for base in bases for name in vars(base)}
    for base in bases:
        for node in ast.walk(ast.parse(inspect.getsource(base))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
    return {name for name in names if name.startswith("_") and not name.startswith("__")} - OF_DJANGO


@cache
def names_in_our_code() -> set[str]:
    """Return the names of all functions and attributes in the code of this project, and what it imports privately."""
    names = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                names.add(node.name)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(LIBRARIES):
                names |= {f"{node.module}.{alias.name}" for alias in node.names if alias.name.startswith("_")}
    return names


@pytest.mark.parametrize("library", PRIVATE_NAMES, ids=lambda library: library.__name__)
def test_each_name_is_in_the_library_and_in_our_code(library: type[Any]) -> None:
    assert PRIVATE_NAMES[library] <= private_names_of(library)
    assert PRIVATE_NAMES[library] <= names_in_our_code()


def test_no_other_name_is_used() -> None:
    private = {name for library in (*PRIVATE_NAMES, *WITHOUT_ANY) for name in private_names_of(library)}
    assert names_in_our_code() & private == {name for names in PRIVATE_NAMES.values() for name in names}


def test_no_private_function_is_imported() -> None:
    assert not [name for name in names_in_our_code() if "." in name]
