"""A task of one person."""

import unicodedata

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.utils import timezone

from base.form_keys import CreatedByForms

TASK_LENGTH = 500


def clean_task(text: str) -> str:
    """Return `text`, trimmed. Raises ValueError, with a sentence for the author, if it is not a task."""
    text = text.strip()
    if not text:
        raise ValueError("Enter a task.")
    if len(text) > TASK_LENGTH:
        raise ValueError(f"A task may have at most {TASK_LENGTH} characters; this one has {len(text)}.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("A task must be one line without control characters.")
    return text


class TodoQuerySet(CreatedByForms["Todo"]):
    def of(self, user: AbstractBaseUser | AnonymousUser) -> "TodoQuerySet":
        """Return the todos of `user`. Every look-up uses this, so other users' todos do not exist."""
        return self.filter(owner_id=user.pk)

    def change(self, **values: str | bool) -> int:
        """Set `values` in one statement, so that concurrent changes survive; return the number of todos."""
        return self.update(**values, updated_at=timezone.now())


class Todo(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="todos")
    task = models.CharField(max_length=TASK_LENGTH)
    completed = models.BooleanField(default=False)
    form_key = models.UUIDField(null=True, editable=False, help_text="Of the form that created it.")
    created_at = models.DateTimeField("created", auto_now_add=True)
    updated_at = models.DateTimeField("changed", auto_now=True)

    objects = TodoQuerySet.as_manager()

    class Meta:
        ordering = ["completed", "-created_at", "-pk"]
        indexes = [models.Index(fields=["owner", "completed", "-created_at", "-id"], name="todos_of_an_owner_in_order")]
        constraints = [models.UniqueConstraint(fields=["owner", "form_key"], name="one_todo_a_form")]

    def __str__(self) -> str:
        return self.task

    @property
    def url(self) -> str:
        """The link to this todo, for pasting into other apps."""
        return f"{settings.ORIGINS['todo']}/todos/{self.pk}"
