"""The text that make demo prints."""

from django.conf import settings

from base.addresses import idp_origin
from idjag_demo.demo import content
from idjag_demo.demo.seed import DEMO_PASSWORD


def welcome() -> str:
    """Return the addresses and demo accounts as text for a terminal."""
    origins = settings.ORIGINS
    operators = ", ".join(account["username"] for account in content.accounts("staff"))
    lines = [
        "",
        f"  Start here   {origins['staff']}",
        f"  Wiki0        {origins['wiki']}",
        f"  Todo0        {origins['todo']}",
        f"  Admin        {origins['staff']}/admin/   ({operators} / {DEMO_PASSWORD}, for the demo only)",
        "",
    ]
    for slug, name, emails in content.organisations():
        lines.append(f"  {name:<12} {idp_origin(slug)}")
        lines += [f"  {'':<12} {email} / {DEMO_PASSWORD}" for email in emails]
    return "\n".join([*lines, ""])
