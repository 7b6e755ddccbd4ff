"""http://localhost:8000"""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from idjag_demo.urls.error_handlers import *  # noqa: F403
from idjag_demo.views import landing
from operations.health import healthz, readyz
from operations.metrics import metrics

urlpatterns = [
    path("", landing, name="landing"),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("favicon.ico", RedirectView.as_view(url="/static/favicon-staff.svg")),  # the admin's pages have no icon link
]
