"""RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3: compares an issuer's metadata with this side's needs."""

import enum
from collections.abc import Collection
from dataclasses import dataclass

from .client_authentication import AuthMethod

CLIENT_AUTHENTICATION = "client authentication"


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


def compare_client_authentication(method: str, taken: Collection[str] | None) -> Comparison:
    """Compare this side's method with token_endpoint_auth_methods_supported; absent, it is client_secret_basic."""
    default = AuthMethod.CLIENT_SECRET_BASIC.value
    usable = [ours.value for ours in AuthMethod if taken is None or ours in taken]
    if taken is None:
        remedy = f"If the client is refused, use {default}."
    elif usable:
        remedy = f"Use {' or '.join(usable)}."
    else:
        remedy = f"Allow one of {', '.join(AuthMethod)} for this client there."
    return compare(CLIENT_AUTHENTICATION, [method], taken, default=[default], if_missing=Severity.FAIL, remedy=remedy)


def failures(comparisons: Collection[Comparison]) -> list[Comparison]:
    """Return the comparisons that failed: nothing works until they are mended."""
    return [comparison for comparison in comparisons if comparison.severity is Severity.FAIL]


def warnings(comparisons: Collection[Comparison]) -> list[Comparison]:
    return [comparison for comparison in comparisons if comparison.severity is Severity.WARNING]
