"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the site that answers, the addresses of the others and whether this is the demo."""
    return {"site": getattr(request, "site", None), "origins": settings.ORIGINS, "demo": settings.DEMO}
