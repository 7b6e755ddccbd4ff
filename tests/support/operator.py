"""The operator of the seeded demo, signed in to the admin."""

import pytest
from django.test import Client as Browser
from django.test import RequestFactory

from idjag_demo.demo.seed import seed
from idjag_demo.sites import site_for


@pytest.fixture
def operator(db: None) -> Browser:
    seed()
    browser = Browser(headers={"host": "localhost:8000"})
    assert browser.login(username="admin", password="avocado", request=_request())
    return browser


def _request() -> object:
    request = RequestFactory().post("/admin/login/")
    request.site, request.tenant = site_for("localhost:8000"), None
    return request
