"""The form with the text of a task."""

from django import forms

from todo.models import clean_task


def _task_field(label: str, **attributes: bool | str) -> forms.CharField:
    """Return the field of a task's text. It has no `maxlength`, because a browser would silently cut a pasted text."""
    attributes |= {"placeholder": label, "autocomplete": "off"}
    return forms.CharField(label=label, required=False, strip=False, widget=forms.TextInput(attributes))


class TaskForm(forms.Form):
    task = _task_field("New task")

    def clean_task(self) -> str:
        try:
            return clean_task(self.cleaned_data["task"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class RenameForm(TaskForm):
    task = _task_field("Task", autofocus=True)
