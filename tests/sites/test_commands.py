"""What `make demo` and `make reset` call."""

import socket
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from audit.models import AuditEvent
from authserver.models import AuthorizationServer, Client
from crossapp.requesting_app.models import ResourceApp
from idjag_demo.demo.move import addresses_differ, follow_addresses
from idjag_demo.demo.seed import seed
from idjag_demo.demo.welcome import welcome
from idjag_demo.management.commands.runserver import Command as Runserver
from idp.models import CrossAppPolicy
from tenants.models import IdPConnection, Realm, SubjectTokens, Tenant, User
from tests.support.in_process import Browser, sign_in
from todo.models import Todo
from wiki.models import Article

empties_tables = pytest.mark.django_db(transaction=True)  # MariaDB does so in no transaction


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_seed_fills_an_empty_database_and_leaves_a_full_one_alone() -> None:
    assert "is seeded" in run("seed")
    assert list(Tenant.objects.order_by("slug").values_list("slug", "name", "email_domains__domain")) == [
        ("customer1", "Fake Org", "tables.fake"),
        ("customer2", "Fake Org 2", "tables.fake2"),
        ("customer3", "Fake Org 3", "tables.fake3"),
    ]
    directory = User.objects.filter(realm=Realm.IDP)
    assert sorted(directory.values_list("email", "tenant__slug")) == [
        ("bob@tables.fake", "customer1"),
        ("foo@tables.fake3", "customer3"),
        ("john@tables.fake2", "customer2"),
        ("trinity@whiterabbit.fake", "customer1"),
    ]
    assert all(person.check_password("avocado") for person in directory)
    for person in directory:
        assert Todo.objects.filter(owner__email=person.email).count() >= 2
        assert Article.objects.filter(author__email=person.email).count() == 1
    Todo.objects.all().delete()
    assert "was not changed" in run("seed")
    assert not Todo.objects.exists()


@pytest.mark.django_db
def test_a_page_links_to_a_todo_of_its_author_where_the_settings_say_that_it_is(settings: Settings) -> None:
    settings.ORIGINS = settings.ORIGINS | {"todo": "https://todo.example"}
    seed()
    for page in Article.objects.select_related("author"):
        todo = Todo.objects.filter(owner__email=page.author.email).order_by("pk")[0]
        assert f'<a href="https://todo.example/todos/{todo.pk}"' in page.content
        assert "localhost" not in page.content


@pytest.mark.django_db
def test_seeding_records_nothing_and_leaves_the_accounts_at_the_apps_without_subject_and_password() -> None:
    seed()
    assert not AuditEvent.objects.exists()
    at_apps = User.objects.filter(realm__in=[Realm.WIKI, Realm.TODO])
    assert at_apps.count() == 8
    assert not [account for account in at_apps if account.sub or account.has_usable_password()]
    subjects = User.objects.filter(realm=Realm.IDP).values_list("sub", flat=True)
    assert len({sub for sub in subjects if sub}) == 4


@pytest.mark.django_db
def test_seed_is_for_the_demo_only(settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="seed needs demo mode"):
        run("seed")


@empties_tables
def test_two_seedings_share_no_secret() -> None:
    found: list[set[str]] = []
    for _ in range(2):
        seed()
        found.append({row.client_secret for rows in (ResourceApp, IdPConnection) for row in rows.objects.all()})
        call_command("flush", interactive=False, verbosity=0)
    assert len(found[0] | found[1]) == 14


@empties_tables
def test_resetdb_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    seed()
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return ["n", "y"][len(asked) - 1]

    monkeypatch.setattr("builtins.input", answer)
    Tenant.objects.create(slug="mine", name="Mine", is_demo=True)
    assert "Nothing was changed" in run("resetdb")
    assert Tenant.objects.count() == 4
    assert "reset and seeded" in run("resetdb")
    assert Tenant.objects.count() == 3
    assert asked[0].startswith("Are you sure you want to reset your database? All data will be lost.")


@empties_tables
def test_resetdb_refuses_outside_the_demo_unless_forced(settings: Settings) -> None:
    settings.DEMO = False
    Tenant.objects.create(slug="mine", name="Mine")
    with pytest.raises(CommandError, match="DEMO is false"):
        run("resetdb", "--noinput")
    assert Tenant.objects.filter(slug="mine").exists()
    run("resetdb", "--noinput", "--force")
    assert not Tenant.objects.filter(slug="mine").exists()


def _company() -> None:
    Tenant.objects.create(slug="company", name="Company")


def _company_beside_the_demo() -> None:
    seed()
    Tenant.objects.create(slug="company", name="Company")


def _operator_alone() -> None:
    User.objects.create_superuser("operator", password="x", realm=Realm.STAFF)


@empties_tables
@pytest.mark.parametrize("fill", [_company, _company_beside_the_demo, _operator_alone])
def test_resetdb_deletes_no_content_that_the_demo_has_not_made(fill: Callable[[], None]) -> None:
    fill()
    before = Tenant.objects.count(), User.objects.count()
    with pytest.raises(CommandError, match="content that the demo has not made"):
        run("resetdb", "--noinput")
    assert (Tenant.objects.count(), User.objects.count()) == before
    run("resetdb", "--noinput", "--force")
    assert set(Tenant.objects.values_list("is_demo", flat=True)) == {True}


@empties_tables
def test_resetdb_fills_an_empty_database_and_resets_the_demo() -> None:
    for _ in range(2):
        assert "reset and seeded" in run("resetdb", "--noinput")
        assert Tenant.objects.count() == 3


def test_the_demo_moves_to_other_addresses(walker: Browser, settings: Settings) -> None:
    seed()
    sign_in(walker, "wiki", "bob@tables.fake")
    settings.ORIGINS = {name: origin.replace(":8000", ":8123") for name, origin in settings.ORIGINS.items()}
    assert "was not changed" in run("seed")  # seeding moves nothing: it may run while the demo is being served
    assert addresses_differ()
    follow_addresses()
    assert not addresses_differ()
    for values in (
        AuthorizationServer.objects.values_list("issuer"),
        IdPConnection.objects.values_list("issuer"),
        ResourceApp.objects.values_list("audience", "resource"),
        CrossAppPolicy.objects.values_list("audience", "resource"),
        Client.objects.exclude(redirect_uris="").values_list("redirect_uris", "post_logout_redirect_uris"),
        Article.objects.values_list("content"),
    ):
        assert values
        assert ":8000" not in repr(list(values))
        assert ":8123" in repr(list(values))
    assert not SubjectTokens.objects.exists()
    page = sign_in(Browser(), "wiki", "bob@tables.fake")
    assert page.url == "http://wiki.localhost:8123/"


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"^Port {port} is in use.*BASE_DOMAIN=localhost:8123 make demo$"):
            call_command("runserver", str(port), "--noreload")


def test_a_server_without_threads_is_refused() -> None:
    with pytest.raises(CommandError, match="would deadlock"):
        call_command("runserver", "--nothreading")


def test_the_welcome_names_every_address_and_account() -> None:
    text = welcome()
    for word in (
        "http://localhost:8000/admin/",
        "http://wiki.localhost:8000",
        "http://todo.localhost:8000",
        "http://customer3.idp.localhost:8000",
        "bob@tables.fake / avocado",
        "admin / avocado",
    ):
        assert word in text


def test_the_welcome_reaches_a_pipe_at_once() -> None:
    pipe = BytesIO()
    out = TextIOWrapper(pipe, encoding="utf-8")
    Runserver(stdout=out).on_bind(8000)
    assert "bob@tables.fake / avocado" in pipe.getvalue().decode()
