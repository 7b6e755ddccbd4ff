"""Checks that stop the start-up of an unsafe deployment; `manage.py check` and `wsgi.py` both run them."""

import os
import re
from base64 import urlsafe_b64decode
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import pairwise
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from limits import parse

from crossapp.core.urls import address_of, is_local
from idjag_demo.demo.secrets import demo_secrets

KNOWN_PASSWORDS = ["idjag"]  # the demo's passwords in docker-compose.yml


@register(Tags.security)
def check_environment(app_configs: object = None, **kwargs: object) -> list[CheckMessage]:
    """Return an error for each unsafe value in the environment; demo mode allows most of them."""
    problems = [*_demo(), *_same_origins(), *_same_scheme(), *_database(), *_own_sites(), *_proxies()]
    problems += [*_limits(), *_logs(), *_metrics()]
    if not settings.DEMO:
        problems += [*_debug(), *_origins(), *_ports(), *_secrets(), *_database_password(), *_cache(), *_redis()]
        problems += [*_trusted_networks(), *_limits_off(), *_own_wildcard()]
    return problems


def stop_if_unsafe() -> None:
    """Raise ImproperlyConfigured with one line per error."""
    if problems := [*run_checks(tags=["crossapp_requesting"]), *check_environment()]:
        raise ImproperlyConfigured("\n".join(f"{problem.id}: {problem.msg} {problem.hint}" for problem in problems))


def _error(number: int, message: str, hint: str) -> Error:
    return Error(message, hint=hint, id=f"idjag_demo.E{number:03}")


def _is_on_this_machine(origin: str) -> bool:
    name = urlsplit(origin.replace("{tenant}", "tenant")).hostname or ""
    return is_local(name)


def _https() -> bool:
    return any(origin.startswith("https:") for origin in settings.ORIGINS.values())


def _demo() -> list[CheckMessage]:
    away = [origin for origin in settings.ORIGINS.values() if not _is_on_this_machine(origin)]
    if settings.DEMO_IS_CHOSEN or not away:
        return []
    message = f"{away[0]} is not on this machine, and DEMO is not set. The demo's passwords are public."
    return [_error(7, message, "Set DEMO=true or DEMO=false.")]


def _same_origins() -> list[CheckMessage]:
    sites = [*settings.ORIGINS.values(), *settings.IDP_ORIGINS.values()]
    twice = sorted({origin for origin in sites if sites.count(origin) > 1})
    return [_error(12, f"Two sites are at {origin}.", "Give each site its own origin.") for origin in twice]


def _same_scheme() -> list[CheckMessage]:
    """Secure cookies, HSTS and the redirect to https apply to the process, so to all sites or to none."""
    plain = [origin for origin in settings.ORIGINS.values() if origin.startswith("http:")]
    if settings.PORTS or not plain or not _https():
        return []
    return [_error(17, f"{plain[0]} is http, and other sites are https.", "Use the same scheme for all sites.")]


def _database() -> list[CheckMessage]:
    if settings.DATABASES["default"]["NAME"]:
        return []
    return [_error(13, "DATABASE_URL names no database.", "Add the name at the end, after a slash.")]


def _own_sites() -> list[CheckMessage]:
    """A call to an own site past its proxy counts as https only if the caller is a trusted proxy."""
    address = settings.OWN_SITES_AT.rpartition(":")[0]
    if (
        not _https()
        or address_of(address) is None
        or any(ip_address(address) in each for each in settings.TRUSTED_PROXIES)
    ):
        return []
    hint = f"Add {address} to TRUSTED_PROXIES."
    return [_error(14, f"OWN_SITES_AT={settings.OWN_SITES_AT} would redirect to https.", hint)]


def _ports() -> list[CheckMessage]:
    if not settings.PORTS:
        return []
    return [_error(15, "PORT_ORIGIN is for the demo only: it trusts every Host header.", "Set the origins one by one.")]


def _debug() -> list[CheckMessage]:
    if not settings.DEBUG:
        return []
    return [_error(1, "DEBUG is on: error pages would show the code and the settings.", "Set DEBUG=false.")]


def _origins() -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for site, origin in settings.ORIGINS.items():
        if urlsplit(origin).scheme != "https" and not _is_on_this_machine(origin):
            hint = "Give it an https origin."
            problems.append(_error(2, f"The site {site} is at {origin}: passwords would cross the network.", hint))
    return problems


def _proxies() -> list[CheckMessage]:
    """Behind a TLS proxy that is not trusted, every request looks like plain http from one client.

    With PORT_ORIGIN the forwarder runs on the same machine, so this check does not apply.
    """
    if not _https() or settings.TRUSTED_PROXIES or settings.PORTS:
        return []
    message = "The sites use https, but TRUSTED_PROXIES is empty: every page would redirect to itself."
    return [_error(16, message, "Set TRUSTED_PROXIES to the address of the TLS proxy.")]


def _secrets() -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    demo, hint = demo_secrets(settings.VAR_DIR), "Generate your own, as .env.example describes."
    key, encryption_keys = settings.SECRET_KEY, settings.CROSSAPP_REQUESTING_APP["ENCRYPTION_KEYS"]
    if key in (demo.secret_key,) or key.startswith("django-insecure-") or len(key) < 32:
        problems.append(_error(3, "DJANGO_SECRET_KEY is the demo's key or has fewer than 32 characters.", hint))
    elif _was_not_generated(key.encode()):
        problems.append(_error(3, "DJANGO_SECRET_KEY is no random text: it repeats itself or counts.", hint))
    if not encryption_keys or not all(
        _is_fernet_key(each) and each not in demo.encryption_keys for each in encryption_keys
    ):
        problems.append(_error(4, "FIELD_ENCRYPTION_KEYS contains the demo's key or an invalid Fernet key.", hint))
    elif any(_was_not_generated(urlsafe_b64decode(each)) for each in encryption_keys):
        problems.append(_error(4, "FIELD_ENCRYPTION_KEYS contains a key that is not random, such as zeros.", hint))
    return problems


def _was_not_generated(secret: bytes) -> bool:
    """Say whether `secret`, of 32 bytes or more, has few different bytes, repeats itself, counts, or is plain words.

    Of 32 random bytes at least 20 differ, of 32 random hexadecimal digits at least 8 (each but once in 10^5).
    """
    steps = {(after - before) % 256 for before, after in pairwise(secret)}
    is_text = secret.isascii() and secret.decode().isprintable()
    words = is_text and re.fullmatch(rb"[A-Za-z]+(?:[ _-][A-Za-z]+)*[0-9!.]{0,4}", secret) and secret.islower()
    return (
        len(set(secret)) < (8 if is_text else 20) or secret in (secret + secret)[1:-1] or len(steps) < 4 or bool(words)
    )


def _database_password() -> list[CheckMessage]:
    password = settings.DATABASES["default"].get("PASSWORD") or os.environ.get("MYSQL_PWD")
    if password not in KNOWN_PASSWORDS:
        return []
    hint = "Set MARIADB_PASSWORD, or change the password in DATABASE_URL."
    return [_error(18, "The database's password is the public one from docker-compose.yml.", hint)]


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _cache() -> list[CheckMessage]:
    local = settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache"
    if settings.WEB_CONCURRENCY < 2 or not local:
        return []
    hint = "Set REDIS_URL, or WEB_CONCURRENCY=1."
    return [_error(5, "Without Redis each process has its own cache and counts limits alone.", hint)]


def _redis() -> list[CheckMessage]:
    """What is in Redis counts limits and saves requests; a stranger who can write there can lock people out."""
    cache = settings.CACHES["default"]
    url, password = urlsplit(str(cache.get("LOCATION", ""))), cache.get("OPTIONS", {}).get("PASSWORD")
    if not url.scheme.startswith("redis") or is_local(url.hostname or ""):
        return []
    if password and password not in KNOWN_PASSWORDS:
        return []
    found = "has the public password from docker-compose.yml" if password else "has no password"
    return [_error(19, f"The Redis on {url.hostname} {found}.", "Set REDIS_PASSWORD, or add it to REDIS_URL.")]


def _trusted_networks() -> list[CheckMessage]:
    hint = "Set TRUSTED_PROXIES to the addresses of the proxies only."
    return [
        _error(
            20, f"TRUSTED_PROXIES contains {network}: anybody there can choose the address they are seen with.", hint
        )
        for network in settings.TRUSTED_PROXIES
        if network.prefixlen < (8 if network.version == 4 else 19) and not _is_private(network)
    ]


def _is_private(network: IPv4Network | IPv6Network) -> bool:
    return isinstance(network, IPv6Network) and network.subnet_of(IPv6Network("fc00::/7"))


def _limits_off() -> list[CheckMessage]:
    hint = "Set a rate, such as 1000000/minute, or leave the default."
    off = (name for name, rate in settings.LIMITS.items() if rate == "0")
    return [_error(21, f"LIMIT_{name}=0 turns the limit off, which only the demo may.", hint) for name in off]


def _own_wildcard() -> list[CheckMessage]:
    """A tenant whose slug is the first label of an app's host would have the app's origin as its IdP's."""
    idps = re.escape(settings.ORIGINS["idp"]).replace(r"\{tenant\}", "[a-z0-9-]+")
    within = [origin for site, origin in settings.ORIGINS.items() if site != "idp" and re.fullmatch(idps, origin)]
    hint = "Give the IdPs a domain of their own, such as https://{tenant}.idp.apps.example."
    return [_error(22, f"{origin} is one of the origins of IDP_ORIGIN.", hint) for origin in within]


def _limits() -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for name, rate in settings.LIMITS.items():
        try:
            usable = rate == "0" or parse(rate).amount > 0
        except ValueError:
            usable = False
        if not usable:
            hint = "Write it as 10/minute or 10/5minutes. In demo mode 0 turns the limit off."
            problems.append(_error(6, f"LIMIT_{name}={rate} is not a rate.", hint))
    return problems


def _logs() -> list[CheckMessage]:
    if settings.LOG_FORMAT in ("json", "plain"):
        return []
    return [_error(8, f"LOG_FORMAT={settings.LOG_FORMAT} is not a log format.", "Set LOG_FORMAT=json or plain.")]


def _metrics() -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    shared = settings.PROMETHEUS_MULTIPROC_DIR
    if 0 < len(settings.METRICS_TOKEN) < 16:
        hint = "Generate a longer one, as .env.example describes."
        problems.append(_error(9, "METRICS_TOKEN is shorter than 16 characters.", hint))
    if shared is not None and not (os.path.isdir(shared) and os.access(shared, os.W_OK | os.X_OK)):
        hint = "Create it, empty, before the processes start."
        problems.append(_error(10, f"PROMETHEUS_MULTIPROC_DIR={shared} is not a writable directory.", hint))
    if settings.METRICS_TOKEN and settings.WEB_CONCURRENCY > 1 and shared is None:
        hint = "Set PROMETHEUS_MULTIPROC_DIR."
        problems.append(_error(11, "Without PROMETHEUS_MULTIPROC_DIR, /metrics reports one process only.", hint))
    return problems
