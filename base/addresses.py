"""Classifies host names and addresses: of this machine, of this project, or public. It makes no DNS queries."""

import ipaddress
import re

from django.conf import settings

from crossapp.core.urls import address_of

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_NOT_PUBLIC = [  # that the standard library of some Python version takes for global
    ipaddress.ip_network(network)
    for network in (
        "::/96",  # IPv4-compatible (RFC 4291 section 2.5.5.1)
        "64:ff9b:1::/48",  # local NAT64 (RFC 8215)
        "100::/64",  # discard (RFC 6666)
        "2001:2::/48",  # benchmarks (RFC 5180)
        "2001:10::/28",  # ORCHID (RFC 4843)
        "2001:20::/28",  # ORCHIDv2 (RFC 7343)
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment routing (RFC 9602)
        "fec0::/10",  # site-local (RFC 3879)
        "192.88.99.0/24",  # former 6to4 relays (RFC 7526)
    )
]


def idp_origin(slug: str) -> str:
    """Return the origin of the tenant's embedded IdP."""
    return settings.IDP_ORIGINS.get(slug) or settings.ORIGINS["idp"].format(tenant=slug)


def is_ours(origin: str) -> bool:
    """Say whether this project answers on `origin`, embedded IdPs included."""
    idp = re.escape(settings.ORIGINS["idp"]).replace(r"\{tenant\}", "[a-z0-9-]+")
    named = origin in settings.ORIGINS.values() or origin in settings.IDP_ORIGINS.values()
    return named or re.fullmatch(idp, origin) is not None


def own_address(origin: str) -> tuple[str, int] | None:
    """Return the internal address of one of this project's sites, in plain HTTP; None means its public origin."""
    for port, site in settings.PORTS.items():
        if site == origin:
            return "127.0.0.1", port
    if not settings.OWN_SITES_AT or not is_ours(origin):
        return None
    host, _, number = settings.OWN_SITES_AT.rpartition(":")
    return host, int(number)


def is_public(name: str) -> bool:
    """Say whether `name` is a globally routable address. An IPv4 address inside an IPv6 one decides alone."""
    ip = address_of(name)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        else:
            ip = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1]) or ip
    return ip is not None and ip.is_global and not ip.is_multicast and not any(ip in each for each in _NOT_PUBLIC)
