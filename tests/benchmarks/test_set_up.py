"""What is measured is the project as it is deployed, with content as it is in use."""

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import Model

from authserver.models import SigningKey
from benchmarks import environment, growth, report, server
from benchmarks.people import make_people
from benchmarks.scenarios import SCENARIOS
from idjag_demo.demo.seed import seed
from tenants.models import Realm, Tenant, User
from todo.models import Todo


def test_every_limit_is_off() -> None:
    assert set(environment.LIMITS) == set(settings.LIMITS)


def test_the_server_is_started_as_the_dockerfile_starts_it() -> None:
    assert server.command(1234)[1:] == ["manage.py", "serve", "127.0.0.1:1234", "--threads=64"]


def test_the_report_has_a_title_for_each_scenario() -> None:
    assert [scenario.name for scenario in SCENARIOS.values()] == list(report.TITLES)


def rows_of(tenant: Tenant) -> dict[str, int]:
    """Return how many rows of each table belong to a tenant, directly or through its IdP."""

    def belongs(model: type[Model]) -> dict[str, Any] | None:
        names = {field.name for field in model._meta.get_fields()}
        if model.__name__ == "Article":  # what people write
            return None
        if "tenant" in names and model.__name__ != "Client":
            return {"tenant": tenant}
        return {"server__tenant": tenant} if "server" in names else None

    found = {model.__name__: belongs(model) for model in apps.get_models() if model._meta.app_label != "audit"}
    return {name: apps_model(name).objects.filter(**by).count() for name, by in found.items() if by}


def apps_model(name: str) -> Any:
    return next(model for model in apps.get_models() if model.__name__ == name)


@pytest.mark.django_db
def test_a_tenant_made_in_bulk_has_what_a_seeded_one_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "KEY_PAIRS", 4)
    seed()
    growth.add_tenants(9)
    made = Tenant.objects.get(slug="bulk8")
    assert rows_of(made) == rows_of(Tenant.objects.get(slug="customer3"))
    assert SigningKey.objects.values("kid").distinct().count() == SigningKey.objects.count()


@pytest.mark.django_db
def test_tenants_added_after_people_were_made_have_one_person_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "KEY_PAIRS", 4)
    seed()
    make_people(list(Tenant.objects.all()), 3)
    growth.add_tenants(6)
    assert User.objects.filter(tenant__slug="bulk5").count() == len({Realm.IDP, Realm.WIKI, Realm.TODO})


@pytest.mark.django_db
def test_rows_made_in_bulk_are_the_missing_ones_and_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "KEY_PAIRS", 4)
    seed()
    growth.add_tenants(5)
    growth.add_todos(40)
    growth.add_access_tokens(30)
    tokens = apps.get_model("oauth2_provider", "AccessToken").objects.all()
    assert (Todo.objects.count(), tokens.count()) == (40, 30)
    assert {owner.realm for owner in (todo.owner for todo in Todo.objects.all())} == {"todo"}
    assert tokens[0].is_valid(["read"]) and tokens[0].application.client_id == "wiki0-at-todo0"
