"""What a person who starts the demo wants to know first."""

from django.conf import settings

from base.addresses import idp_origin
from idjag_demo.demo.seed import DEMO_PASSWORD, ORGANISATIONS, STAFF_NAME


def welcome() -> str:
    """Return the addresses and demo accounts as text for a terminal."""
    origins = settings.ORIGINS
    lines = [
        "",
        f"  Start here   {origins['staff']}",
        f"  Wiki0        {origins['wiki']}",
        f"  Todo0        {origins['todo']}",
        f"  Admin        {origins['staff']}/admin/   ({STAFF_NAME} / {DEMO_PASSWORD}, for the demo only)",
        "",
    ]
    for slug, name, _, people in ORGANISATIONS:
        lines.append(f"  {name:<12} {idp_origin(slug)}")
        lines += [f"  {'':<12} {email} / {DEMO_PASSWORD}" for _, _, email in people]
    return "\n".join([*lines, ""])
