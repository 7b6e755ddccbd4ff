"""However many tenants, people, tokens and todos there are: no statement of a hot path reads or sorts a whole table."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet
from pytest_django import DjangoDbBlocker

from audit.models import AuditEvent
from base.outgoing import session
from idjag_demo.demo.seed import seed
from tenants.models import Tenant, User
from tests.services.many_rows import fill
from tests.services.paths import PATHS
from tests.services.plans import Plan, plan_of, planned
from tests.support.demo import Demo
from tests.support.in_process import Browser, answering
from tests.support.kept_rows import forget_rows
from todo.models import Todo

pytestmark = [pytest.mark.services, pytest.mark.django_db]

MANY = 1000  # rows: a table of more grows with the business, and no query may read it from end to end
FEW = 100  # rows read for one request: a page of a list
MOST = {"the sweep": 1000, "the operator's list of events": 2000, "refusals": 2000}  # a batch; what a list counts

# Tables that an operator's work makes grow, or an installation; and those that nothing here writes to.
SMALL = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_admin_log",
    "django_content_type",
    "idp_crossapppolicy_groups",
    "idp_crossapppolicy_users",
    "oauth2_provider_devicegrant",
    "crossapp_requesting_resourceapp",
    "tenants_user_groups",
    "tenants_user_user_permissions",
}


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Demo]:
    """The demo in a full database."""
    assert connection.vendor == "mysql", "these tests are for `make test-services`"
    with django_db_blocker.unblock(), answering(session()) as network:
        try:
            seed()
            fill(Tenant.objects.get(slug="customer1"))
            yield Demo(Browser(), network)
        finally:
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="module")
def large(demo: Demo) -> set[str]:
    """The tables that have many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()")
        return {table for table, rows in cursor.fetchall() if rows > MANY}


@pytest.fixture(scope="module")
def plans(demo: Demo, large: set[str]) -> dict[str, list[Plan]]:
    """The plans of the statements of each path."""
    found = {}
    for name, path in PATHS.items():
        act = path(demo)
        forget_rows()  # a statement that is not sent has no plan
        cache.clear()
        with planned() as found[name]:
            act()
    return found


def faults(plan: Plan, large: set[str], most: int = FEW) -> list[str]:
    """Return what is wrong with the plan of a statement that may read `most` rows of each table."""
    found = []
    for access in plan.accesses:
        if access.table in large or access.table.startswith(("U", "V", "T")):  # Django's aliases in subqueries
            if access.reads_all:
                found.append(f"reads all of {access.table}: {plan}")
            if access.rows > most:
                found.append(f"reads {access.rows} rows of {access.table}: {plan}")
    return found


def test_every_table_that_grows_is_large_here(large: set[str]) -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables - large == SMALL


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.clause("limits", "", "LIM-16")
def test_no_statement_reads_or_sorts_a_whole_table(plans: dict[str, list[Plan]], large: set[str], name: str) -> None:
    assert plans[name]
    found = [fault for plan in plans[name] for fault in faults(plan, large, MOST.get(name, FEW))]
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("name", ["todos from the API", "the list of todos", "the list of pages", "pages from the API"])
def test_a_list_comes_out_of_its_index_in_order(plans: dict[str, list[Plan]], name: str) -> None:
    assert not [str(plan) for plan in plans[name] if any(access.sorts for access in plan.accesses)]


@pytest.mark.parametrize(
    "rows",
    [
        User.objects.filter(first_name="Bobby"),
        Todo.objects.order_by("task")[:20],
        AuditEvent.objects.filter(sub="x").order_by("-at")[:20],
    ],
    ids=["no index", "sorted by no index", "in the order of an index, until enough is found"],
)
def test_a_statement_without_an_index_is_noticed(large: set[str], rows: QuerySet) -> None:
    assert faults(plan_of(*rows.query.sql_with_params()), large)
