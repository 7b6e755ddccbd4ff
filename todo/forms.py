"""The form with the text of a task."""

from uuid import uuid4

from django import forms

from todo.models import clean_task


def _task_field(label: str, **attributes: bool | str) -> forms.CharField:
    """Return the field of a task's text. It has no `maxlength`, because a browser would silently cut a pasted text."""
    attributes |= {"placeholder": label, "autocomplete": "off"}
    return forms.CharField(label=label, required=False, strip=False, widget=forms.TextInput(attributes))


class TaskForm(forms.Form):
    task = _task_field("New task")
    form_key = forms.CharField(initial=uuid4, required=False, widget=forms.HiddenInput)  # see base.form_keys

    def clean_task(self) -> str:
        try:
            return clean_task(self.cleaned_data["task"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class RenameForm(TaskForm):
    form_key = None  # type: ignore[assignment]  # it creates nothing
    task = _task_field("Task", autofocus=True)
