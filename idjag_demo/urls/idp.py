"""http://{tenant}.idp.localhost:8000"""

from django.urls import include, path

from idjag_demo.urls.error_handlers import *  # noqa: F403

urlpatterns = [path("", include("authserver.urls")), path("", include("idp.urls"))]
