"""What a database needs before anything serves, in a company's installation and in the demo's."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError
from pytest_django import Settings

from authserver.models import AuthorizationServer, Client, SigningKey
from crossapp.requesting_app.models import ResourceApp
from idjag_demo.demo.move import addresses_differ, follow_addresses
from idjag_demo.demo.seed import seed
from tenants.models import IdPConnection, Tenant, User
from tests.support.commands import run
from tests.support.encryption import encrypt_with
from tests.support.in_process import Browser, sign_in

pytestmark = pytest.mark.django_db
COMPANY = {
    "staff": "https://apps.example",
    "wiki": "https://wiki.apps.example",
    "todo": "https://todo.apps.example",
    "idp": "https://{tenant}.idp.apps.example",
}


@pytest.fixture
def company(settings: Settings) -> None:
    settings.DEMO, settings.ORIGINS = False, COMPANY


def test_a_company_gets_its_servers_and_no_demo_accounts(company: None) -> None:
    assert "The authorization servers of the apps exist." in run("prepare")
    servers = {server.realm: server.issuer for server in AuthorizationServer.objects.all()}
    assert servers == {"wiki": COMPANY["wiki"], "todo": COMPANY["todo"]}
    assert SigningKey.objects.filter(status=SigningKey.Status.ACTIVE).count() == 2
    assert not Tenant.objects.exists() and not User.objects.exists()


def test_wiki0_is_registered_at_todo0(company: None) -> None:
    run("prepare")
    app = ResourceApp.objects.get()
    assert (app.key, app.audience, app.resource) == ("todo0", COMPANY["todo"], f"{COMPANY['todo']}/api")
    client = Client.objects.get()
    assert (client.client_id, client.server.issuer) == (app.client_id, COMPANY["todo"])


def test_it_may_run_at_every_start(company: None) -> None:
    run("prepare")
    before = [list(model.objects.order_by("pk").values()) for model in (AuthorizationServer, SigningKey, Client)]
    assert "servers" not in run("prepare")
    after = [list(model.objects.order_by("pk").values()) for model in (AuthorizationServer, SigningKey, Client)]
    assert before == after


def test_the_issuers_of_a_company_do_not_move(company: None, settings: Settings) -> None:
    run("prepare")
    settings.ORIGINS = COMPANY | {"todo": "https://tasks.apps.example"}
    with pytest.raises(CommandError, match=r"created for https://.* but the settings say https://tasks"):
        run("prepare")
    assert AuthorizationServer.objects.filter(issuer=COMPANY["todo"]).exists()


def test_a_database_with_undecryptable_keys_is_refused(company: None, settings: Settings) -> None:
    run("prepare")
    encrypt_with(settings, [Fernet.generate_key().decode()])
    words = r'no key in CROSSAPP_RESOURCE_APP\["ENCRYPTION_KEYS"\] fits: it must contain the keys that encrypted this'
    with pytest.raises(CommandError, match=words):
        run("prepare")


def test_the_demo_is_seeded_once_and_follows_its_addresses(settings: Settings) -> None:
    assert "http://wiki.localhost:8000" in run("prepare")
    people = User.objects.count()
    settings.ORIGINS = {name: origin.replace(":8000", ":9000") for name, origin in settings.ORIGINS.items()}
    said = run("prepare")
    assert "The demo has moved" in said and "http://wiki.localhost:9000" in said
    assert User.objects.count() == people and not addresses_differ()


def test_sites_may_move_to_where_others_were(settings: Settings, in_process_network: object) -> None:
    """With PORT_ORIGIN and another BASE_DOMAIN every site takes the port of the next one."""

    def put_at(first: int) -> None:
        at = [f"http://localhost:{first + number}" for number in range(6)]
        settings.ORIGINS = settings.ORIGINS | dict(zip(("staff", "wiki", "todo"), at, strict=False))
        settings.IDP_ORIGINS = dict(zip(settings.DEMO_TENANTS, at[3:], strict=True))

    put_at(8000)
    seed()
    put_at(8001)
    follow_addresses()
    assert not addresses_differ()
    assert {server.issuer for server in AuthorizationServer.objects.all()} == {
        f"http://localhost:{8002 + number}" for number in range(5)
    }
    assert set(IdPConnection.objects.values_list("issuer", flat=True)) == set(settings.IDP_ORIGINS.values())
    assert sign_in(Browser(), "wiki", "bob@tables.fake").url == "http://localhost:8002/"
