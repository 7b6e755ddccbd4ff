"""Runs a management command as a shell would, but in this process."""

import json
from io import StringIO
from typing import Any

from django.core.management import call_command


def run(name: str, *arguments: str) -> str:
    """Return what the command prints. Raises CommandError for what it refuses."""
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def run_json(name: str, *arguments: str) -> dict[str, Any]:
    """Return the one JSON object that the command prints with `--json`."""
    return dict(json.loads(run(name, *arguments, "--json")))
