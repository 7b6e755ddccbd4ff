"""The allowed HTML of a page: what its editor can produce. The column removes everything else."""

from functools import cache
from typing import Any

import nh3
from django.db import models
from django.utils.safestring import SafeString, mark_safe
from django_prose_editor.config import allowlist_from_extensions
from django_prose_editor.fields import ProseEditorField

from wiki.links import make_links

# The editor's extensions; the sanitiser's allow-list is derived from them.
EXTENSIONS: dict[str, Any] = {
    "Heading": {"levels": [1, 2, 3]},
    "Bold": True,
    "Italic": True,
    "Strike": True,
    "Code": True,
    "BulletList": True,
    "OrderedList": {"enableListAttributes": False},
    "ListItem": True,
    "Blockquote": True,
    "CodeBlock": True,
    "HorizontalRule": True,
    "HardBreak": True,
    "Link": {"enableTarget": False},
    "Menu": False,  # replaced by real buttons, see `static/wiki/toolbar.js`
}
LINK_SCHEMES = {"http", "https", "mailto"}
MAX_CONTENT = 200_000


@cache
def _cleaner() -> nh3.Cleaner:
    """Return the sanitiser. It removes classes, styles, ids and data attributes, so text cannot imitate a card."""
    allowed = allowlist_from_extensions(EXTENSIONS)
    attributes = allowed["attributes"] | {"a": {"href", "title"}, "ol": {"start"}}
    return nh3.Cleaner(
        tags=allowed["tags"],
        attributes=attributes,
        url_schemes=LINK_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )


def sanitise(html: str) -> str:
    """Return `html` with only the editor's markup, and with todo links in the text as links. Idempotent."""
    html = html.replace("\x00", "").encode("utf-8", "replace").decode()
    return make_links(_cleaner().clean(html))


def safe(html: str) -> SafeString:
    """Return `html` for a template. It is sanitised again, because a row may be older than the rules."""
    return mark_safe(sanitise(html))  # noqa: S308


class SanitisedHTMLField(ProseEditorField):
    """A `ProseEditorField` that sanitises every value before it is stored, also with `update()` and fixtures."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"extensions": EXTENSIONS, "sanitize": sanitise, "max_length": MAX_CONTENT})

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = sanitise(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return sanitise(value) if isinstance(value, str) else value
