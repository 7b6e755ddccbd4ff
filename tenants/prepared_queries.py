"""Queries whose SQL is made once: Django takes several times as long to make it as a database takes to answer.

For the few queries that every grant or API call sends. What they find is read anew each time.
"""

from collections.abc import Callable
from copy import copy
from functools import update_wrapper
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection, connections, models
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=models.Model)


def prepared(*names: str) -> "Callable[[Callable[[], models.QuerySet[Row]]], PreparedQuery[Row]]":
    """Decorate a function that returns a queryset; it becomes one that takes a value for each of `names`.

    Those are fields of the queryset's model. What is returned are the rows that have exactly these values, as a list in
    no order.
    """
    return lambda rows: PreparedQuery(rows, names)


class _Compiled(NamedTuple):
    compiler: SQLCompiler
    sql: str
    fixed: tuple[Any, ...]
    """The parameters that the queryset itself has; those of a call come after them."""
    using: str
    fields: list[Any]


class PreparedQuery(Generic[Row]):
    """The rows of a queryset with given values in given fields."""

    def __init__(self, rows: Callable[[], models.QuerySet[Row]], names: tuple[str, ...]) -> None:
        update_wrapper(self, rows)
        self._rows, self._names = rows, names
        self._compiled: dict[str, _Compiled] = {}  # by the kind of database: there is more than one in tests only

    def __call__(self, *values: object) -> list[Row]:
        if None in values:
            return []  # to SQL, NULL equals nothing
        vendor = connection.vendor
        compiled = self._compiled.get(vendor) or self._compile(vendor, values)
        compiler = copy(compiled.compiler)
        compiler.connection = connections[compiled.using]  # that of this thread
        asked = (
            field.get_db_prep_value(value, compiler.connection)
            for field, value in zip(compiled.fields, values, strict=True)
        )
        parameters = (*compiled.fixed, *asked)
        compiler.as_sql = lambda *args, **kwargs: (compiled.sql, parameters)  # type: ignore[method-assign]
        query = SimpleNamespace(get_compiler=lambda using: compiler)
        source: Any = SimpleNamespace(db=compiled.using, query=query, _known_related_objects={})
        return list(ModelIterable(source))

    def _compile(self, vendor: str, values: tuple[object, ...]) -> _Compiled:
        rows = self._rows().order_by()
        for name, value in zip(self._names, values, strict=True):
            rows = rows.filter(**{name: value})  # one by one: the parameters are to be in the order of the names
        compiler = rows.query.get_compiler(rows.db)
        sql, parameters = compiler.as_sql()
        fields = [rows.model._meta.get_field(name) for name in self._names]
        compiled = _Compiled(compiler, sql, parameters[: -len(fields)], rows.db, fields)
        self._compiled[vendor] = compiled
        return compiled
