"""Statements whose SQL is compiled once: compiling takes Django several times as long as the database takes to answer.

For the few statements that every grant or API call sends. The rows are read from the database each time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import update_wrapper
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection, connections, models
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=models.Model)


def prepared(*names: str) -> "Callable[[Callable[[], models.QuerySet[Row]]], PreparedQuery[Row]]":
    """Decorate a function that returns a queryset; it becomes one that takes a value for each of `names`.

    `names` are fields of the queryset's model. The result is an unordered list of the rows with exactly these values.
    """
    return lambda rows: PreparedQuery(rows, names)


class _Query(NamedTuple):
    """The SQL that Django compiles from a queryset, and what it needs to convert the answer to rows."""

    sql: str
    fixed: tuple[Any, ...]
    """The parameters that the queryset itself has; those of a call come after them."""
    fields: Sequence[Any]
    """Those that the values of a call are for."""
    using: str
    model: type[models.Model]
    columns: Sequence[str]
    """The names of the model's own fields, which come first in an answer."""
    converters: Mapping[int, Any]
    related: Sequence[Any]

    def parameters(self, connection: Any, values: tuple[object, ...]) -> tuple[Any, ...]:
        asked = zip(self.fields, values, strict=True)
        return (*self.fixed, *(field.get_db_prep_value(value, connection) for field, value in asked))

    def rows(self, connection: Any, answer: Sequence[Sequence[Any]]) -> Iterator[Any]:
        for values in map(list, answer):
            for position, (convert, expression) in self.converters.items():
                for each in convert:
                    values[position] = each(values[position], expression, connection)
            row = self.model.from_db(self.using, self.columns, values[: len(self.columns)])
            for populator in self.related:
                populator.populate(values, row)
            yield row


class PreparedQuery(Generic[Row]):
    """The rows of a queryset with given values in given fields."""

    def __init__(self, rows: Callable[[], models.QuerySet[Row]], names: tuple[str, ...]) -> None:
        update_wrapper(self, rows)
        self._rows, self._names = rows, names
        self._compiled: dict[str, _Query] = {}  # by database vendor; only tests use more than one

    def __call__(self, *values: object) -> list[Row]:
        if None in values:
            return []  # to SQL, NULL equals nothing
        vendor = connection.vendor
        query = self._compiled.get(vendor) or self._compile(vendor, values)
        of_this_thread = connections[query.using]
        with of_this_thread.cursor() as cursor:
            cursor.execute(query.sql, query.parameters(of_this_thread, values))
            answer = cursor.fetchall()
        return list(query.rows(of_this_thread, answer))

    def _compile(self, vendor: str, values: tuple[object, ...]) -> _Query:
        rows = self._rows().order_by()
        for name, value in zip(self._names, values, strict=True):
            rows = rows.filter(**{name: value})  # one by one, so that the parameters are in the order of the names
        compiler = rows.query.get_compiler(rows.db)
        sql, parameters = compiler.as_sql()
        own = compiler.klass_info["select_fields"]
        query = _Query(
            sql=sql,
            fixed=parameters[: -len(self._names)],
            fields=[rows.model._meta.get_field(name) for name in self._names],
            using=rows.db,
            model=rows.model,
            columns=[compiler.select[position][0].target.attname for position in own],
            converters=compiler.get_converters([expression for expression, *_ in compiler.select]),
            related=get_related_populators(compiler.klass_info, compiler.select, rows.db),  # type: ignore[call-arg]
        )
        self._compiled[vendor] = query
        return query
