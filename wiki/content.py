"""The allowed HTML of a page: what its editor can produce. The column removes everything else.

A text is cleaned once, when it comes in, and outside of transactions. What is stored is what is shown.
"""

from functools import cache
from typing import Any

import nh3
from django.core.exceptions import ValidationError
from django.db import models
from django_prose_editor.config import allowlist_from_extensions
from django_prose_editor.fields import ProseEditorField

from wiki.flatten import flatten
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
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
LINK_SCHEMES = {"http", "https", "mailto"}
MAX_CONTENT = 200_000  # characters, of what comes in and of what is stored
MAX_MARKUP = 5_000  # tags, and what costs the sanitiser as much


class CleanHTML(str):
    """HTML that `sanitise` has returned, or that is in the database, where nothing else is."""


class NotStorable(ValueError):
    """The text cannot be a page's; the message tells its author the reason."""


@cache
def _allowed_tags() -> set[str]:
    return set(allowlist_from_extensions(EXTENSIONS)["tags"])


@cache
def _cleaner() -> nh3.Cleaner:
    """Return the sanitiser. It removes classes, styles, ids and data attributes, so text cannot imitate a card."""
    return nh3.Cleaner(
        tags=_allowed_tags(),
        attributes=_ATTRIBUTES,
        url_schemes=LINK_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )


def sanitise(html: str) -> CleanHTML:
    """Return `html` with only the editor's markup, and with todo links in the text as links. Idempotent.

    The CPU time is bounded for every text of `MAX_CONTENT` characters: raises NotStorable for one that would take more,
    and for one that is too long, before or afterwards.
    """
    if isinstance(html, CleanHTML):
        return html
    _check_size(html)
    html = html.replace("\x00", "").encode("utf-8", "replace").decode()
    clean = make_links(_cleaner().clean(flatten(html, _ATTRIBUTES, _allowed_tags())))
    _check_size(clean)
    return CleanHTML(clean)


def _check_size(html: str) -> None:
    if len(html) > MAX_CONTENT:
        raise NotStorable(
            f"The page is too long: {len(html):,} characters with its markup and links; at most {MAX_CONTENT:,}."
        )
    if html.count("<") + html.count("&") + html.count("\xa0") // 3 > MAX_MARKUP:
        raise NotStorable(f"The page has too much markup: at most {MAX_MARKUP:,} tags and special characters.")


def sanitise_form(html: str) -> CleanHTML:
    """Do what `sanitise` does, with an error that a form shows."""
    try:
        return sanitise(html)
    except NotStorable as error:
        raise ValidationError(str(error)) from None


class SanitisedHTMLField(ProseEditorField):
    """A `ProseEditorField` that sanitises every value before it is stored, also with `update()` and fixtures."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        options = {"extensions": EXTENSIONS, "sanitize": sanitise_form, "max_length": MAX_CONTENT}
        super().__init__(*args, **kwargs | options)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = sanitise(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value: Any) -> Any:
        return sanitise(value) if isinstance(value, str) else super().get_prep_value(value)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> CleanHTML | None:
        return None if value is None else CleanHTML(value)
