"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the site that answers, the addresses of the others, whether this is the demo, and the scripts' nonce."""
    return {
        "site": getattr(request, "site", None),
        "origins": settings.ORIGINS,
        "demo": settings.DEMO,
        "csp_nonce": getattr(request, "csp_nonce", None),  # made, and sent in the header, when a template uses it
    }
