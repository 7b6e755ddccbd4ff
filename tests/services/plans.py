"""How MariaDB runs a statement: its plan, asked for at the moment the statement is sent.

For a SELECT this is ANALYZE, which runs it and says how many rows were really read; for what changes rows it is
EXPLAIN, which estimates.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

_LOOKS_FOR_ROWS = re.compile(r"SELECT|UPDATE|DELETE")


@dataclass(frozen=True)
class Access:
    """One line of a plan: how rows of one table are found, how many are read, and whether they are sorted."""

    table: str
    how: str
    key: str
    rows: int
    extra: str

    @property
    def reads_all(self) -> bool:
        """Whether the table is read from one end to the other, or in the order of an index until enough is found."""
        return self.how == "ALL" or (self.how == "index" and "Using where" in self.extra)

    @property
    def sorts(self) -> bool:
        return "Using filesort" in self.extra or "Using temporary" in self.extra


@dataclass(frozen=True)
class Plan:
    """A statement and the accesses of its plan; none if MariaDB has looked by a key and knows that there is no row."""

    sql: str
    accesses: tuple[Access, ...]

    def __str__(self) -> str:
        return "\n".join([self.sql[:2000], *(f"    {access}" for access in self.accesses)])


@contextmanager
def planned() -> Iterator[list[Plan]]:
    """Yield a list that gets the plan of every statement of this thread that looks for rows."""
    plans: list[Plan] = []
    asking = False

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asking
        if not asking and _LOOKS_FOR_ROWS.match(sql):
            asking = True
            try:
                plans.append(plan_of(sql, params))
            finally:
                asking = False
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield plans


def plan_of(sql: str, params: Any = None) -> Plan:
    """Return the plan of one statement."""
    ask = "ANALYZE" if sql.startswith("SELECT") else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{ask} {sql}", params)
        names = [column[0] for column in cursor.description]
        lines = [dict(zip(names, line, strict=True)) for line in cursor.fetchall()]
    return Plan(sql, tuple(_access(line) for line in lines if line["table"] and not line["table"].startswith("<")))


def _access(line: dict[str, Any]) -> Access:
    # With a filter by a second index, MariaDB writes "12 (3%)".
    rows = round(float(str(line.get("r_rows", line["rows"]) or 0).split(" ")[0]))
    return Access(line["table"], line["type"] or "", line["key"] or "", rows, line["Extra"] or "")
