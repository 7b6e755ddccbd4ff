"""http://wiki.localhost:8000"""

from django.urls import include, path

from authserver.views.authorize import no_authorization
from authserver.views.metadata import protected_resource_metadata
from idjag_demo.urls.error_handlers import *  # noqa: F403

urlpatterns = [
    path("", include("authserver.urls")),
    path("oauth2/v1/authorize", no_authorization),
    path(".well-known/oauth-protected-resource/api", protected_resource_metadata),
    path("", include("tenants.single_sign_on.urls")),
    path("", include("wiki.urls")),
]
