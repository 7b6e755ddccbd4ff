"""Claims of the two types that every JWT has."""

from typing import Any

import pytest

from crossapp.core.claims import BadClaim, seconds, text


@pytest.mark.parametrize("value", ["bob", "b" * 255, "bøb 🦆", " "])
def test_text_is_returned_as_it_is(value: str) -> None:
    assert text({"sub": value}, "sub") == value


@pytest.mark.parametrize("value", [0, -1, 1.5, 10**19])
def test_a_number_is_returned_as_it_is(value: float) -> None:
    assert seconds({"exp": value}, "exp") == value


@pytest.mark.parametrize(
    ("read", "value", "problem"),
    [
        (text, None, "is missing"),
        (text, "", "must be a string of 1 to 255 characters"),
        (text, "b" * 256, "must be a string of 1 to 255 characters"),
        (text, 7, "must be a string of 1 to 255 characters"),
        (text, "bob\n", "must have no control characters"),
        (seconds, None, "is missing"),
        (seconds, "7", "must be a number of seconds"),
        (seconds, True, "must be a number of seconds"),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)[:20]),
)
@pytest.mark.clause("RFC 7519", "2", "StringOrURI and NumericDate")
def test_anything_else_is_said_with_the_name_of_the_claim(read: Any, value: Any, problem: str) -> None:
    with pytest.raises(BadClaim) as bad:
        read({"claim": value}, "claim")
    assert (bad.value.name, bad.value.problem, str(bad.value)) == ("claim", problem, f"claim {problem}")


@pytest.mark.parametrize("read", [text, seconds])
def test_a_claim_that_is_not_there_is_missing(read: Any) -> None:
    with pytest.raises(BadClaim) as bad:
        read({}, "claim")
    assert str(bad.value) == "claim is missing"
