"""Checks of peers' URLs: acceptable URLs for secrets, and names of this machine."""

import ipaddress
from urllib.parse import urlsplit


def is_acceptable_url(url: object, *, http_on_loopback: bool = True, query: bool = False) -> bool:
    """Say whether `url` is https, or http on a name of this machine (RFC 6761 section 6.3).

    It must have a host and no user information or fragment. An issuer and a resource have no query either (RFC 8414
    section 2, RFC 8707 section 2); an endpoint may have one (`query`).
    """
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or set(url) & set(' \\#"<>'):
        return False
    if "?" in url and not query:
        return False
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or not port_is_fine:
        return False
    return parts.scheme == "https" or (http_on_loopback and parts.scheme == "http" and is_local(parts.hostname))


def with_query(endpoint: str, query: str) -> str:
    """Return `endpoint` with `query` added to its own query (RFC 6749 section 3.1)."""
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def is_local(hostname: str) -> bool:
    """Say whether `hostname` is on this machine: a loopback address, `localhost` or a name below it."""
    return is_localhost(hostname) or is_loopback(hostname)


def is_localhost(hostname: str) -> bool:
    """Say whether `hostname` is `localhost` or below it (RFC 6761 section 6.3)."""
    return hostname == "localhost" or hostname.endswith(".localhost")


def is_loopback(hostname: str) -> bool:
    """Say whether `hostname` is an address of this machine's loopback interface."""
    ip = address_of(hostname)
    return ip is not None and ip.is_loopback


def address_of(hostname: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return `hostname` as an IP address without its zone, or None if it is a name."""
    try:
        return ipaddress.ip_address(hostname.partition("%")[0])
    except ValueError:
        return None
