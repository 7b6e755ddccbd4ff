"""The sign-in pages of an app; all apps have the same paths."""

from django.urls import path

from tenants.single_sign_on import sign_out, views

urlpatterns = [
    path("sign-in", views.SignInView.as_view(), name="sign_in"),
    path("sign-in/callback", views.CallbackView.as_view(), name="sign_in_callback"),
    path("sign-out", sign_out.SignOutView.as_view(), name="sign_out"),
    path("signed-out", sign_out.signed_out, name="signed_out"),
]
