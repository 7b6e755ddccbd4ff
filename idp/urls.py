"""The endpoints of an embedded IdP besides those of every authorization server."""

from django.urls import path

from authserver.views.metadata import authorization_server_metadata
from idp.views.authorize import AuthorizeView
from idp.views.home import home
from idp.views.logout import LogoutView, signed_out
from idp.views.sign_in import SignInView
from idp.views.take_step import TakeStepView
from idp.views.userinfo import userinfo

urlpatterns = [
    path("", home, name="home"),
    path("sign-in", SignInView.as_view(), name="sign_in"),
    path("sign-in/step", TakeStepView.as_view(), name="take_step"),
    path("signed-out", signed_out, name="signed_out"),
    path(".well-known/openid-configuration", authorization_server_metadata),
    path("oauth2/v1/authorize", AuthorizeView.as_view(), name="authorize"),
    path("oauth2/v1/userinfo", userinfo, name="userinfo"),
    path("oauth2/v1/logout", LogoutView.as_view(), name="sign_out"),
]
