"""The operator at the admin of one web process."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.test import RequestFactory
from django.urls import reverse
from django.utils.http import urlencode

from idjag_demo.demo.seed import DEMO_PASSWORD
from tenants.models import User
from tests.support.over_http import HttpBrowser
from tests.topology.legs import PastTheProxy
from tests.topology.webs import Web

FORM = "application/x-www-form-urlencoded"


class Operator:
    """Signed in at `web`, so that this process and no other makes the changes."""

    def __init__(self, web: Web) -> None:
        self._site = settings.ORIGINS["staff"]
        self._browser = HttpBrowser()
        self._browser.session.mount("http://", PastTheProxy(web.port))
        page = self._browser.get(f"{self._site}/admin/login/?next=/admin/")
        page = self._browser.submit(page.form_with("username"), username="admin", password=DEMO_PASSWORD)
        assert page.url == f"{self._site}/admin/", page.text

    def change(self, row: Model, **changes: Any) -> None:
        """Open the page of `row`, change these fields and save. What is listed below them stays as it is."""
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
        row.refresh_from_db()
        url = f"{self._site}{reverse(name, args=[row.pk])}"
        fields = _form_of(row) | {name: "on" if value is True else value for name, value in changes.items()}
        form = next(form for form in self._browser.get(url).forms if set(fields) & set(form.fields))
        none_below = {name: "0" for name in form.fields if name.endswith("_FORMS")}
        token = {"csrfmiddlewaretoken": form.fields["csrfmiddlewaretoken"]}
        sent = {name: value for name, value in fields.items() if value is not False}
        body = urlencode({**sent, **none_below, **token}, doseq=True).encode()
        page = self._browser._follow(url, self._browser._request("POST", url, body, FORM))
        assert "was changed successfully" in page.text, page.text


def _form_of(row: Model) -> dict[str, Any]:
    """Return what a browser would send if nothing was changed."""
    request: Any = RequestFactory().get("/")
    request.user = User.objects.get(username="admin")
    form = admin.site._registry[type(row)].get_form(request, row, change=True)(instance=row)
    values = {bound.name: bound.value() for bound in form}
    return {name: "on" if value is True else value for name, value in values.items() if value not in (None, False)}
