"""Caching and methods of the public documents of an authorization server."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import conditional_page

from authserver.responses import method_not_allowed

Document = Callable[[HttpRequest], HttpResponse]


def document(view: Document) -> Document:
    """Decorate the view of a JSON document: five minutes in every cache, an ETag, and GET and HEAD only."""
    kept = cache_control(public=True, max_age=300)(conditional_page(view))

    @csrf_exempt  # changes nothing; another method gets a JSON error
    @wraps(view)
    def read(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return kept(request)
        return method_not_allowed("GET, HEAD")

    return read
