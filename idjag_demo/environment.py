"""Reads the environment. A malformed variable stops the start-up with one line that names it and the expected form.

`checks.py` judges whether the values are safe for a deployment. No message quotes a value that may contain a secret.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from crossapp.core.urls import is_local

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
"""The files of this checkout: the default database, the demo's secrets."""

NOTSET = environ.Env.NOTSET
WORDS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "1": True, "0": False}
DEFAULT_PORTS = {"http": 80, "https": 443}
DRIVER_OPTIONS = {
    *("collation", "compress", "connect_timeout", "read_default_file", "read_default_group"),
    *("read_timeout", "ssl_mode", "unix_socket", "write_timeout"),
}
"""Of mysqlclient: what may come after the ? of DATABASE_URL. The settings choose its character set and isolation."""
COLLATIONS = {"MariaDB": "utf8mb4_nopad_bin", "MySQL": "utf8mb4_0900_bin"}
"""The collations that compare byte for byte, spaces at the end included (utf8mb4_bin ignores those)."""
_SETS_ONE = re.compile("(export )?[A-Za-z_0-9]+=")
_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_NAME = re.compile(rf"({_LABEL}\.)*[a-z]([a-z0-9-]*[a-z0-9])?")


class Environment(environ.Env):
    """django-environ with clear messages. A leading `$` is not expanded, because a secret may begin with it."""

    def get_value(self, var: str, cast: Any = None, default: Any = NOTSET, parse_default: bool = False) -> Any:
        """Return the value of `var`, or `default`; raises ImproperlyConfigured."""
        if var not in self.ENVIRON:
            if default is NOTSET:
                raise ImproperlyConfigured(f"{var} is not set. See .env.example.")
            return default
        return self.parse_value(self.ENVIRON[var], cast)

    @classmethod
    def read_file(cls, path: Path) -> None:
        """Read the variables in `path`, if it exists; the environment overrides them.

        Raises ImproperlyConfigured for a malformed line, without quoting it, because it may contain a secret.
        """
        if not path.exists():
            return
        try:
            lines = path.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"Cannot read {path.name}: {type(error).__name__}.") from None
        for number, line in enumerate(lines, start=1):
            if line.strip() and not line.startswith("#") and not _SETS_ONE.match(line):
                wanted = "write NAME=value, without spaces around the equals sign"
                raise ImproperlyConfigured(f"Line {number} of {path.name} sets no variable: {wanted}.")
        cls.read_env(path)

    def secret(self, var: str, *, default: Any) -> str:
        """Return the secret in `var`, which is not empty if it is set, or `default`."""
        value: str = self.str(var, default=default)
        if not value and var in self.ENVIRON:
            raise ImproperlyConfigured(f"{var} is empty. See .env.example.")
        return value

    def flag(self, var: str, *, default: bool) -> bool:
        """Return whether `var` is on."""
        value = self.str(var, default="true" if default else "false")
        if value.lower() not in WORDS:
            raise _wrong(var, value, "is neither true nor false", "true or false")
        return WORDS[value.lower()]

    def number(self, var: str, *, default: int, least: int) -> int:
        """Return the whole number in `var`, at least `least`."""
        value = self.str(var, default=str(default))
        if not re.fullmatch("[0-9]{1,9}", value) or int(value) < least:
            raise _wrong(var, value, f"is not a whole number of {least} or more", str(default))
        return int(value)

    def domain(self, var: str, *, default: str) -> str:
        """Return the host name in `var`, with its port if it has one."""
        value = self.str(var, default=default)
        name, _, port = value.partition(":")
        if not _NAME.fullmatch(name) or (":" in value and not _is_port(port)):
            raise _wrong(var, value, "is not a host name", "apps.example or localhost:8000, without scheme or slash")
        return value

    def address(self, var: str) -> str:
        """Return the host, name or IPv4 address, and the port in `var`; "" if it is not set."""
        value = self.str(var, default="")
        name, _, port = value.rpartition(":")
        if value and not (re.fullmatch("[a-zA-Z0-9._-]+", name) and _is_port(port)):
            raise _wrong(var, value, "is not a host and a port", "127.0.0.1:8000")
        return value

    def origin(self, var: str, *, default: str, example: str, placeholder: str = "") -> str:
        """Return the origin in `var` (RFC 6454 section 4). It must contain `placeholder` once, if that is given."""
        value = self.str(var, default=default)
        if not value and not default:
            return ""
        if placeholder and value.count(placeholder) != 1:
            raise _wrong(var, value, f'does not hold "{placeholder}" once', example)
        if not _is_origin(value.replace(placeholder, "1") if placeholder else value):
            raise _wrong(var, value, "is not an origin", f"{example}, in lower case, without slash or path")
        return value

    def origins(self, var: str) -> list[str]:
        """Return the origins in `var`, separated by commas: each is https, or http on this machine."""
        found = self._separated(var)
        for value in found:
            if not _is_origin(value):
                raise _wrong(
                    var, value, "is not an origin", "https://xaa.dev,http://localhost:3000, without slash or path"
                )
            if value.startswith("http:") and not is_local(urlsplit(value).hostname or ""):
                raise _wrong(var, value, "is http and not on this machine", "https://xaa.dev or http://localhost:3000")
        return found

    def networks(self, var: str) -> list[IPv4Network | IPv6Network]:
        """Return the networks in `var`, separated by commas; an address is a network with one host."""
        found = []
        for value in self._separated(var):
            try:
                found.append(ip_network(value))
            except ValueError as error:
                raise _wrong(var, value, f"is not an address or network ({error})", "127.0.0.1,10.0.0.0/8") from None
        return found

    def _separated(self, var: str) -> list[str]:
        """Return the values in `var`, which commas separate."""
        return [value for each in self.str(var, default="").split(",") if (value := each.strip())]

    def database(self, var: str, *, default: str) -> dict[str, Any]:
        """Return the database of the URL in `var`, as an entry of DATABASES."""
        url = self.str(var, default=default)
        if not url.startswith("sqlite://") and not _has_host(url, ["mysql"]):
            wanted = "mysql://user:password@host:3306/name, with special characters in the password percent-encoded"
            raise ImproperlyConfigured(f"{var} is not a supported database URL: write it as {wanted}.")
        file = parse_qs(urlsplit(url).query).get("read_default_file", [""])[0]
        if file and not os.access(file, os.R_OK):
            raise ImproperlyConfigured(f"Cannot read the read_default_file in {var}: the driver would ignore it.")
        if url.startswith("mysql:"):
            _check_driver_options(var, parse_qs(urlsplit(url).query, keep_blank_values=True))
        return dict(self.db_url_config(url))

    def cache_server(self, var: str, *, password: str = "") -> dict[str, Any]:
        """Return the Redis in `var` as an entry of CACHES; without a URL, the process's memory.

        `password` is used if the URL has none.
        """
        url = self.str(var, default="")
        if not url:
            return dict(self.cache_url_config("locmemcache://"))
        if not _has_host(url, ["redis", "rediss"]) or not re.fullmatch("/?[0-9]*", urlsplit(url).path):
            raise ImproperlyConfigured(f"{var} is not a Redis URL: write it as redis://127.0.0.1:6379/0.")
        options = {"PASSWORD": urlsplit(url).password or password}
        return {**self.cache_url_config(url), "OPTIONS": {name: value for name, value in options.items() if value}}


def _check_driver_options(var: str, options: dict[str, list[str]]) -> None:
    if not DRIVER_OPTIONS.issuperset(options):
        names = ", ".join(sorted(DRIVER_OPTIONS))
        raise ImproperlyConfigured(f"{var} has an unsupported option after the ?. The options are {names}.")
    if not set(COLLATIONS.values()).issuperset(options.get("collation", [])):
        names = ", ".join(f"{name} ({server})" for server, name in COLLATIONS.items())
        raise ImproperlyConfigured(f"{var} has a collation that does not compare byte for byte: write one of {names}.")


def _wrong(var: str, value: str, what: str, example: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{var}={value} {what}: write it as {example}.")


def _is_port(port: str) -> bool:
    return re.fullmatch("[1-9][0-9]{0,4}", port) is not None and int(port) < 1 << 16


def _has_host(url: str, schemes: list[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_origin(value: str) -> bool:
    """Say whether `value` is spelled as browsers spell it: it is compared with the Host header byte for byte."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    name, written = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
    return (
        parts.scheme in DEFAULT_PORTS
        and value == written == value.lower()
        and re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:]+", name) is not None
        and "@" not in parts.netloc
        and not parts.netloc.endswith(":")
        and port not in (0, DEFAULT_PORTS[parts.scheme])
    )
