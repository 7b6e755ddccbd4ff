"""What the two token endpoints refuse while a test runs, seen from outside the code under test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import ModuleType
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote_plus

GRANTS = {"grant-type:token-exchange": "exchange", "grant-type:jwt-bearer": "redemption"}


@contextmanager
def recorded_refusals(module: ModuleType | None) -> Iterator[set[str]]:
    """Yield a set that fills with "<side> <where>" for each refusal until the block ends.

    The side is "exchange" or "redemption". Where: "http" is a Django view's answer, "grant" that of oauthlib's
    endpoint, "verification" an exception of `verify_id_jag` that `module` calls.
    """
    from oauthlib.oauth2.rfc6749.endpoints import TokenEndpoint

    from authserver.views.token import TokenView

    refused: set[str] = set()
    with ExitStack() as stack:
        stack.enter_context(patch.object(TokenView, "dispatch", _watched_view(TokenView.dispatch, refused)))
        endpoint = TokenEndpoint.create_token_response
        stack.enter_context(patch.object(TokenEndpoint, "create_token_response", _watched_endpoint(endpoint, refused)))
        for name in ("parse_id_jag", "verify_id_jag"):
            if hasattr(module, name):
                stack.enter_context(patch.object(module, name, _watched_check(getattr(module, name), refused)))
        yield refused


def _sides(text: str) -> list[str]:
    return [side for grant, side in GRANTS.items() if grant in unquote_plus(text)]


def _watched_view(dispatch: Callable[..., Any], refused: set[str]) -> Callable[..., Any]:
    @wraps(dispatch)
    def watched(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        said = request.get_full_path() + request.body.decode(errors="replace")
        response = dispatch(view, request, *args, **kwargs)
        if response.status_code >= 400:
            refused.update(f"{side} http" for side in _sides(said))
        return response

    return watched


def _watched_endpoint(create: Callable[..., Any], refused: set[str]) -> Callable[..., Any]:
    @wraps(create)
    def watched(endpoint: Any, *args: Any, **kwargs: Any) -> Any:
        headers, body, status = create(endpoint, *args, **kwargs)
        if status >= 400:
            refused.update(f"{side} grant" for side in _sides(f"{args} {kwargs}"))
        return headers, body, status

    return watched


def _watched_check(check: Callable[..., Any], refused: set[str]) -> Callable[..., Any]:
    from crossapp.core.refusals import Refused

    @wraps(check)
    def watched(*args: Any, **kwargs: Any) -> Any:
        try:
            return check(*args, **kwargs)
        except Refused:
            refused.add("redemption verification")
            raise

    return watched
