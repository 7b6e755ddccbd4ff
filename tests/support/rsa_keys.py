"""RSA keys of the authorization servers, made once per test process: making one takes longer than most tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import rsa

_made: list[rsa.RSAPrivateKey] = []


@contextmanager
def from_a_pool() -> Iterator[None]:
    """Let signing keys come from a pool: all different within a test, the same in the next one."""
    numbers = count()

    def generate_private_key(**parameters: Any) -> rsa.RSAPrivateKey:
        number = next(numbers)
        if number == len(_made):
            _made.append(rsa.generate_private_key(**parameters))
        return _made[number]

    with patch("authserver.models.rsa", SimpleNamespace(generate_private_key=generate_private_key)):
        yield
