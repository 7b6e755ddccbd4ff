"""RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3: compares an issuer's metadata with this side's needs."""

import enum
from collections.abc import Collection
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """What follows from a difference: nothing, something that may not work, or no sign-in at all."""

    PASS = "pass"
    WARNING = "warning"
    FAIL = "fail"


@dataclass(frozen=True)
class Comparison:
    """What this side needs, what the metadata say, and what to mend; `remedy` is "" if they agree."""

    name: str
    expected: str
    found: str
    severity: Severity
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, found {self.found}. {self.remedy}".rstrip()


def compare(
    name: str,
    expected: Collection[str],
    offered: Collection[str] | None,
    *,
    default: Collection[str] = (),
    if_missing: Severity = Severity.WARNING,
    if_silent: Severity = Severity.WARNING,
    every: bool = False,
    remedy: str,
) -> Comparison:
    """Compare the member `offered` with the values that are `expected`: one of them must be there, or `every` one.

    For an absent member (None) its `default` is taken. If that does not agree, the severity is `if_silent`.
    """
    given = default if offered is None else offered
    common = set(expected) & set(given)
    agrees = len(common) == len(set(expected)) if every else bool(common)
    severity = Severity.PASS if agrees else if_silent if offered is None else if_missing
    needed = ", ".join(expected) if every or len(expected) == 1 else f"one of {', '.join(expected)}"
    passed = severity is Severity.PASS
    return Comparison(name, needed, _found(offered, default), severity, "" if passed else remedy)


def _found(offered: Collection[str] | None, default: Collection[str]) -> str:
    if offered is not None:
        return ", ".join(offered) or "an empty list"
    return f"{', '.join(default)} (the default)" if default else "nothing in the metadata"
