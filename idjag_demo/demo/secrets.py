"""The demo's own secrets: made on first use, kept beside its database, never in the repository."""

import base64
import os
import secrets
from pathlib import Path

NAME = "demo-secrets"


def demo_secrets(directory: Path) -> dict[str, str]:
    """Return this checkout's demo secrets by setting name, making them in `directory` if they are not there."""
    path = directory / NAME
    directory.mkdir(exist_ok=True)
    if not path.exists():
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
    return existing_demo_secrets(directory)


def existing_demo_secrets(directory: Path) -> dict[str, str]:
    """Return the demo secrets in `directory`, none if they were never made."""
    path = directory / NAME
    return dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
