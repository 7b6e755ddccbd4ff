"""The table of redeemed ID-JAGs in the admin: looked at, never touched."""

import pytest
from django.apps import apps
from django.test import RequestFactory

from crossapp.resource_app.models import ConsumedJti


@pytest.mark.skipif(not apps.is_installed("django.contrib.admin"), reason="this product has no admin")
def test_the_admin_cannot_add_change_or_delete_a_row() -> None:
    from django.contrib import admin

    page = admin.site.get_model_admin(ConsumedJti)
    request = RequestFactory().get("/")
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
