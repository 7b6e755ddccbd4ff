"""The common parts of two verifications of a JWT, an ID-JAG and a client assertion: the case and the list of checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from .jwk import VerificationKey
from .jws import UnverifiedJws

CaseT = TypeVar("CaseT", bound="JwtCase")


@dataclass
class JwtCase:
    """One JWT during its checks; the check of the key adds the key."""

    jws: UnverifiedJws
    key: VerificationKey = field(init=False)

    @property
    def header(self) -> Mapping[str, Any]:
        return self.jws.unverified_header

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.jws.unverified_payload


class Check(NamedTuple, Generic[CaseT]):
    """One step. Its clause is the first words of the docstring of `run`."""

    name: str
    run: Callable[[CaseT], None]


def in_order(*steps: Callable[[CaseT], None]) -> tuple[Check[CaseT], ...]:
    """Return `steps` as checks, each with the name of its function without `check_`."""
    return tuple(Check(step.__name__.removeprefix("check_"), step) for step in steps)
