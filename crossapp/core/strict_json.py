"""RFC 8259 section 4 and RFC 7515 section 4: strict JSON, which every parser reads as the same value.

Python's parser accepts NaN, Infinity, duplicate names, lone surrogates and any depth.
"""

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 16
MAX_DIGITS = 20  # of an integer; a time in seconds has ten


class NotStrictJson(ValueError):
    """The text is not JSON, or ambiguous JSON; the message says why."""


def strict_json(text: bytes | str) -> Any:
    """Return the JSON value in `text`, which is UTF-8 if it is bytes; raises NotStrictJson."""
    try:
        value = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except NotStrictJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictJson("it is not JSON in UTF-8") from error
    _check(value, depth=1)
    return value


def strict_json_object(text: bytes | str) -> dict[str, Any]:
    """Return the one JSON object in `text`; raises NotStrictJson."""
    value = strict_json(text)
    if not isinstance(value, dict):
        raise NotStrictJson("it is not a JSON object")
    return value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise NotStrictJson("an object has two members with one name")
    return found


def _constant(text: str) -> NoReturn:
    raise NotStrictJson("NaN and Infinity are not JSON")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise NotStrictJson("an integer is too long")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotStrictJson("a number is too large")
    return value


def _check(value: Any, *, depth: int) -> None:
    """Refuse deep nesting, and strings without a UTF-8 form (a lone surrogate, written as an escape)."""
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        raise NotStrictJson("it is nested too deeply")
    if isinstance(value, dict):
        for name, member in value.items():
            _check(name, depth=depth)
            _check(member, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotStrictJson("a string is not Unicode text") from error
