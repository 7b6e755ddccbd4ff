"""One port per site: GitHub Codespaces in the browser, other forwarders, browsers that know no name below localhost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pytest_django import Settings

from tests.deployment.forwarded import SITES, ForwardedBrowser, attach, demo_at, port_of
from tests.support.in_process import sign_in
from tests.support.pages import Page

BOB, TASK = "bob@tables.fake", "Escape the quotes in the student table"
ORIGINS = ["http://localhost:{port}", "https://box-{port}.app.example"]


@pytest.fixture(scope="module", params=ORIGINS)
def origins(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with demo_at(request.param, tmp_path_factory.mktemp("forwarded")) as origins:
        yield origins


@pytest.fixture
def person(origins: dict[str, str], settings: Settings) -> ForwardedBrowser:
    settings.ORIGINS = {**settings.ORIGINS, **{site: origins[site] for site in SITES[:3]}}
    return ForwardedBrowser()


def card(person: ForwardedBrowser, page: Page, origins: dict[str, str]) -> dict[str, Any]:
    """Return the card for the todo that `page` links to, fetched as the page's script does."""
    link = next(url for url in page.links.values() if url.startswith(f"{origins['todo']}/todos/"))
    token = next(form.fields["csrfmiddlewaretoken"] for form in page.forms if form.method == "post")
    headers = {"Origin": origins["wiki"], "X-CSRFToken": token, "Referer": page.url}
    address = f"{origins['wiki']}/api/articles/unfurl"
    answer = person.session.post(address, json={"urls": [link]}, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["cards"][0]["card"])


@pytest.mark.slow
def test_every_port_is_its_site_and_the_idps_say_so(origins: dict[str, str], person: ForwardedBrowser) -> None:
    for site in ("customer1", "customer2", "customer3"):
        answer = person.session.get(f"{origins[site]}/.well-known/openid-configuration", timeout=30)
        assert answer.json()["issuer"] == origins[site]
    for site, words in (("staff", "Two apps, one customer"), ("wiki", "Wiki0"), ("todo", "Todo0")):
        assert words in person.get(f"{origins[site]}/").text


@pytest.mark.slow
def test_a_person_signs_in_to_both_apps_and_sees_a_card(origins: dict[str, str], person: ForwardedBrowser) -> None:
    sign_in(person, "wiki", BOB)
    page = person.get(f"{origins['wiki']}/pages/")
    page = person.get(next(url for name, url in page.links.items() if name.startswith("Notes of Bobby")))
    assert card(person, page, origins)["title"] == TASK
    passwords = [url for url in person.visited if url.startswith(f"{origins['customer1']}/sign-in")]
    assert "Todo0" in sign_in(person, "todo", BOB).text
    again = [url for url in person.visited if url.startswith(f"{origins['customer1']}/sign-in")]
    assert again == passwords, "the IdP forgot the person: the sites share a cookie"
    assert person.get(f"{origins['wiki']}/pages/").url == f"{origins['wiki']}/pages/"


@pytest.mark.slow
def test_on_any_other_name_nothing_answers(origins: dict[str, str]) -> None:
    for site, host in (("wiki", "evil.example"), ("wiki", urlsplit(origins["todo"]).netloc + ".evil.example")):
        answer = requests.get(f"http://127.0.0.1:{port_of(origins[site])}/", headers={"Host": host}, timeout=30)
        assert answer.status_code == 404


def test_in_a_codespace_the_dev_container_says_where_its_ports_are(tmp_path: Path) -> None:
    codespace = {"CODESPACE_NAME": "box", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev"}
    said = attach(tmp_path, checkout=tmp_path, CODESPACES="true", **codespace)
    assert said == "make demo DEMO=true PORT_ORIGIN=https://box-{port}.app.github.dev\n"


def test_elsewhere_it_runs_the_demo_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "serving.lock").touch()  # of a server that has ended
    assert attach(tmp_path, checkout=tmp_path) == "make demo DEMO= PORT_ORIGIN=\n"


@pytest.mark.slow
def test_who_attaches_again_is_told_that_the_demo_runs(origins: dict[str, str], tmp_path: Path) -> None:
    assert attach(tmp_path) == "The demo already runs here, on port 8000.\n"
