"""Maps hosts to sites. This file is the architecture in a few lines.

=============================  =====================  ======================================
origin (default base)          realm                  content
=============================  =====================  ======================================
http://localhost:8000          staff                  landing page, /admin/
http://wiki.localhost:8000     wiki                   Wiki0, its authorization server, its API
http://todo.localhost:8000     todo                   Todo0, its authorization server, its API
http://{tenant}.idp.localhost  idp                    the embedded IdP of one tenant
=============================  =====================  ======================================

Hosts are compared whole, port included, so the request's host always equals the configured one, and
an authorization server may build its issuer from either.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from base.addresses import idp_origin


@dataclass(frozen=True)
class Site:
    """One origin this project answers on.

    `realm` is the realm of the accounts that can sign in here; only an embedded IdP has a `tenant_slug`.
    """

    realm: str
    name: str
    origin: str
    urlconf: str
    tenant_slug: str | None = None


def site_for(host: str) -> Site | None:
    """Return the site of `host` (the Host header: name and port), or None."""
    for realm, name in (("staff", "idjag_demo"), ("wiki", "Wiki0"), ("todo", "Todo0")):
        origin = settings.ORIGINS[realm]
        if urlsplit(origin).netloc == host:
            return Site(realm, name, origin, f"idjag_demo.urls.{realm}")
    if slug := _idp_slug(host):
        return Site("idp", "Sign in", idp_origin(slug), "idjag_demo.urls.idp", slug)
    return None


def _idp_slug(host: str) -> str | None:
    """Return the slug of the tenant whose embedded IdP has `host`, or None."""
    for slug, origin in settings.IDP_ORIGINS.items():
        if urlsplit(origin).netloc == host:
            return slug
    before, _, after = urlsplit(settings.ORIGINS["idp"]).netloc.partition("{tenant}")
    match = re.fullmatch(re.escape(before) + r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)" + re.escape(after), host)
    return match[1] if match and match[1] not in settings.IDP_ORIGINS else None
