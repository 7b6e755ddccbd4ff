"""A company that has the IdP of others: the operator connects it to both apps, and Mía signs in there."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tenants.models import App, User
from tests.support.commands import run_json
from tests.support.over_http import HttpBrowser
from tests.support.pages import Page
from todo.models import Todo

SLUG, DOMAIN = "acme", "acme.example"
EMAIL, NAME = f"mia@{DOMAIN}", "Mía 山田"
SECRET = "a-secret-of-forty-three-characters-and-more"


def redirect_uris(app: str) -> list[str]:
    """Return what the company's administrator registers for `app`."""
    return [f"{settings.ORIGINS[app]}/sign-in/callback"]


def sign_out_uris(app: str) -> list[str]:
    return [f"{settings.ORIGINS[app]}/signed-out"]


@dataclass(frozen=True)
class Company:
    """The tenant, and the issuer of its IdP."""

    issuer: str

    def connect(self, app: str, client_id: str, *options: str, secret: str = SECRET) -> None:
        """Connect the IdP to `app`, as the operator does."""
        tenant = ["--tenant", SLUG, "--name", "Acme", "--domain", DOMAIN, "--app", app, "--issuer", self.issuer]
        run_json("connectidp", *tenant, "--client-id", client_id, "--client-secret", secret, *options)

    def account(self, app: str) -> User:
        """Return the only account of the company at `app`."""
        return User.objects.get(realm=app, tenant__slug=SLUG)


class Visitor(HttpBrowser):
    """Mía's browser. `login` is what she types at her IdP."""

    def __init__(self, company: Company, **login: str) -> None:
        super().__init__()
        self.company, self.login = company, login

    def signs_in(self, app: str) -> Page:
        """Sign in to `app` with the work email, and at the IdP on as many pages as it shows; return the last page."""
        page = self.get(f"{settings.ORIGINS[app]}{settings.LOGIN_URL}")
        page = self.submit(page.form_with("email"), email=EMAIL)
        for _ in range(4):
            if urlsplit(page.url).netloc != urlsplit(self.company.issuer).netloc or not page.forms:
                break
            page = self._answers(page)
        return page

    def _answers(self, page: Page) -> Page:
        """Fill in the form that asks for the login, or agree to what the page says."""
        form = next((form for form in page.forms if self.login.keys() & form.fields.keys()), page.forms[-1])
        return self.submit(form, **{name: value for name, value in self.login.items() if name in form.fields})

    def gets_a_card(self, url: str) -> dict[str, Any]:
        """Ask Wiki0 for the card of a link, as its pages do."""
        wiki = settings.ORIGINS[App.WIKI]
        self.get(f"{wiki}/pages/")
        token = self.cookie("wiki.localhost", settings.CSRF_COOKIE_NAME)
        headers = {"Origin": wiki, "X-CSRFToken": token}
        answer = self.session.post(f"{wiki}/api/articles/unfurl", json={"urls": [url]}, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["cards"][0])


def link_to_a_todo(company: Company, task: str) -> str:
    """Give Mía, who has signed in to Todo0, a todo; return its address."""
    todo = Todo.objects.create(owner=company.account(App.TODO), task=task)
    return f"{settings.ORIGINS[App.TODO]}/todos/{todo.pk}"
