"""Requests and responses of Todo0's API. Bodies may have only these fields."""

import re
from datetime import datetime
from typing import Annotated, Any

from django.http import Http404
from ninja import Field, Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, StrictBool, StrictStr, WithJsonSchema

from todo.ids import MAX_ID, TodoIdConverter
from todo.models import TASK_LENGTH, clean_task

MAX_PAGE = 1_000_000
MAX_PAGE_SIZE = 100


def _id_in_path(value: Any) -> int:
    if not re.fullmatch(TodoIdConverter.regex, str(value)):
        raise Http404
    return int(value)


def _id_in_filter(value: Any) -> int:
    if not re.fullmatch("[0-9]{1,30}", str(value)):
        raise ValueError("must be a todo's number")
    return min(int(value), MAX_ID)


def _true_or_false(value: Any) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return bool(value == "true")


Task = Annotated[
    StrictStr,
    AfterValidator(clean_task),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": TASK_LENGTH}),
]
TodoId = Annotated[
    int, BeforeValidator(_id_in_path), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_ID})
]


class TodoOut(Schema):
    id: int
    task: str
    completed: bool
    created_at: datetime
    updated_at: datetime
    url: str = Field(description="The link to the todo, for pasting into other apps.")


class TodoPage(Schema):
    """`count` is the number of todos on all pages together."""

    items: list[TodoOut]
    count: int


class Filters(Schema):
    """The filters and the page. A number that is not one of the caller's todos matches nothing."""

    id: list[Annotated[int, BeforeValidator(_id_in_filter), WithJsonSchema({"type": "integer"})]] = Field(
        [], max_length=MAX_PAGE_SIZE, description="Only todos with these numbers. May be repeated."
    )
    completed: Annotated[bool, BeforeValidator(_true_or_false), WithJsonSchema({"type": "boolean"})] | None = Field(
        None, description="Only completed todos, or only open ones."
    )
    page: int = Field(1, ge=1, le=MAX_PAGE)
    page_size: int = Field(MAX_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE)


class _Body(Schema):
    model_config = ConfigDict(extra="forbid")


class NewTodo(_Body):
    task: Task
    completed: StrictBool = False


class WholeTodo(_Body):
    task: Task
    completed: StrictBool


class TodoChanges(_Body):
    """Omitted fields stay as they are; null is not allowed."""

    task: Task = Field(default_factory=str)
    completed: StrictBool = Field(default_factory=bool)
