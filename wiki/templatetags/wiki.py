"""Template filters of Wiki0."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def pretty_json(value: Any) -> str:
    """Return `value` as indented JSON, to be escaped like any text."""
    return json.dumps(value, indent=2, ensure_ascii=False)
