"""What only the demo's pages show."""

from typing import Any

from django import template
from django.conf import settings

from tenants.models import Realm, User

register = template.Library()


@register.simple_tag
def demo_accounts() -> list[dict[str, Any]]:
    """Return the people of the embedded IdPs as {name, email, organisation}; nobody outside demo mode."""
    if not settings.DEMO:
        return []
    people = User.objects.filter(realm=Realm.IDP, is_active=True, tenant__is_active=True).select_related("tenant")
    return [
        {
            "name": person.display_name,
            "email": person.email,
            "organisation": person.tenant.name if person.tenant else "",
        }
        for person in people.order_by("tenant__slug", "pk")
    ]
