"""Masks secrets in logs and in the debug console.

It masks members with a telling name, strings with a known secret, and strings with a JWT, because a peer may echo any
value in any place.
"""

import re
from collections.abc import Iterable
from typing import Any

MASKED = "[masked]"
TELLING_NAMES = {
    "access_token",
    "actor_token",
    "assertion",
    "authorization",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "cookie",
    "dpop",
    "id_token",
    "password",
    "refresh_token",
    "subject_token",
    "token",
}
MASKED_ALREADY = re.compile(r"((Basic|Bearer|DPoP) )?" + re.escape(MASKED))
# Begins with the base64url of a JSON object; matches a truncated token too.
JWT = re.compile(r"(?<![A-Za-z0-9])(?:eyJ|eyA|ewo|ewk|ew0)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*")


class Masker:
    """Masks `secrets`, and values that look like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return `text` without any secret in it."""
        for secret in self._secrets:
            text = text.replace(secret, MASKED)
        return JWT.sub(MASKED, text)

    def value(self, value: Any) -> Any:
        """Return a copy of the JSON `value` without any secret in it."""
        if isinstance(value, dict):
            return {
                self.text(str(name)): MASKED if _tells(name, member) else self.value(member)
                for name, member in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(member) for member in value]
        return self.text(value) if isinstance(value, str) else value


def telling_members(value: Any) -> list[str]:
    """Return the strings in the JSON `value` that have a telling name, at any depth."""
    if not isinstance(value, dict | list | tuple):
        return []
    members = list(value.values()) if isinstance(value, dict) else value
    own = [member for name, member in value.items() if _tells(name, member)] if isinstance(value, dict) else []
    return own + [found for member in members for found in telling_members(member)]


def _tells(name: object, member: object) -> bool:
    if str(name).lower() not in TELLING_NAMES or not isinstance(member, str):
        return False
    return not MASKED_ALREADY.fullmatch(member)
