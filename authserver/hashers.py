"""Stores client secrets with a fast hash.

The secrets are generated with far more than 128 random bits, so they cannot be guessed and a slow hash would protect
nothing. It would cost a quarter of a second of CPU at every grant and at every wrong guess.
"""

import hashlib
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher, mask_hash
from django.utils.crypto import constant_time_compare


class MachineMadeSecretHasher(BasePasswordHasher):
    """Salted SHA-256. It is last in `PASSWORD_HASHERS`, so passwords are never stored with it."""

    algorithm = "machine_made_secret"

    def encode(self, password: str, salt: str) -> str:
        digest = hashlib.sha256(f"{salt}{password}".encode()).hexdigest()
        return f"{self.algorithm}${salt}${digest}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def safe_summary(self, encoded: str) -> Any:
        decoded = self.decode(encoded)
        return {"algorithm": self.algorithm, "salt": mask_hash(decoded["salt"]), "hash": mask_hash(decoded["hash"])}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Do nothing: every secret takes the same time."""
