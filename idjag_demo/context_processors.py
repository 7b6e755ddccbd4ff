"""Variables for every template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the current site, the origins of the others, the demo flag and the scripts' nonce."""
    return {
        "site": getattr(request, "site", None),
        "origins": settings.ORIGINS,
        "demo": settings.DEMO,
        "csp_nonce": getattr(request, "csp_nonce", None),  # generated, and sent in the header, when a template uses it
    }
