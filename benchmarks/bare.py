"""An empty view of a bare Django project, `benchmarks.bare:application`: what server and framework cost alone."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["localhost"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="of an empty view")


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"alive", headers={"Content-Length": "5"})


urlpatterns = [path("healthz", view)]
application = get_wsgi_application()
