"""The endpoints of every authorization server, at the paths of Okta's org server."""

from django.urls import path

from authserver.views.introspect import IntrospectView
from authserver.views.keys import keys
from authserver.views.metadata import authorization_server_metadata
from authserver.views.revoke import RevokeView
from authserver.views.token import token

app_name = "oauth2_provider"  # django-oauth-toolkit reverses names of this namespace

urlpatterns = [
    path(".well-known/oauth-authorization-server", authorization_server_metadata, name="metadata"),
    path("oauth2/v1/token", token, name="token"),
    path("oauth2/v1/keys", keys, name="jwks-info"),
    path("oauth2/v1/introspect", IntrospectView.as_view(), name="introspect"),
    path("oauth2/v1/revoke", RevokeView.as_view(), name="revoke-token"),
]
