"""Variables for every template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from base import trace_context


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the current site, the origins of the others, the demo flag, the reference and the scripts' nonce."""
    return {
        "site": getattr(request, "site", None),
        "origins": settings.ORIGINS,
        "demo": settings.DEMO,
        "reference": trace_context.reference(),
        "csp_nonce": getattr(request, "csp_nonce", None),  # generated, and sent in the header, when a template uses it
    }
