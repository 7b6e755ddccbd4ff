"""Template tags of the demo."""

from typing import Any

from django import template
from django.conf import settings

from idjag_demo.demo.content import organisations
from tenants.models import Realm, User

register = template.Library()


@register.simple_tag
def demo_accounts() -> list[dict[str, Any]]:
    """Return the demo's people as {name, email, organisation}, if they exist; an empty list outside demo mode."""
    if not settings.DEMO:
        return []
    slugs = [organisation.slug for organisation in organisations()]
    emails = [email for organisation in organisations() for email in organisation.emails]
    people = User.objects.filter(realm=Realm.IDP, tenant__slug__in=slugs, address__in=emails)
    return [
        {
            "name": person.display_name,
            "email": person.email,
            "organisation": person.tenant.name if person.tenant else "",
        }
        for person in people.filter(is_active=True, tenant__is_active=True)
        .select_related("tenant")
        .order_by("tenant__slug", "pk")
    ]
