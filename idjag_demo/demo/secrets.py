"""The demo's own secrets: generated at the first start, stored beside its database, never in the repository."""

import base64
import os
import secrets
from pathlib import Path
from typing import NamedTuple

NAME = "demo-secrets"


class DemoSecrets(NamedTuple):
    """The secrets of one checkout; both are empty until they are generated."""

    secret_key: str = ""
    encryption_keys: tuple[str, ...] = ()


def make_demo_secrets(directory: Path) -> None:
    """Generate the demo's secrets in `directory` if they are missing; several processes may do so at once."""
    path = directory / NAME
    if path.exists():
        return
    made = {
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    draft = path.with_suffix(f".{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in made.items())
    try:
        os.link(draft, path)  # atomic, and fails if another process was first
    except FileExistsError:
        pass
    draft.unlink()


def demo_secrets(directory: Path) -> DemoSecrets:
    """Return the demo's secrets in `directory`, or empty ones if they do not exist."""
    path = directory / NAME
    if not path.exists():
        return DemoSecrets()
    found = dict(line.split("=", 1) for line in path.read_text().splitlines())
    return DemoSecrets(found["DJANGO_SECRET_KEY"], (found["FIELD_ENCRYPTION_KEY"],))
