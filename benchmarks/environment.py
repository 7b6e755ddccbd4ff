"""The environment of what is measured: an empty database and cache, a port, limits too high to reach."""

import os
import platform
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

TITLES = {"sqlite": "SQLite", "mariadb": "MariaDB and Redis"}
LIMITS = (
    *("SIGN_IN_ACCOUNT", "SIGN_IN_ACCOUNT_ANYWHERE", "SIGN_IN_ADDRESS", "SIGN_IN_TENANT", "SIGN_IN_EVERYWHERE"),
    *("EMAIL_STEP", "CLIENT", "CLIENT_FAILURES", "CLIENT_FAILURES_ADDRESS", "API", "UNFURL", "RECORDED_REFUSALS"),
)


def on_port(port: int) -> dict[str, str]:
    """Return the environment of the demo on `port`; it overrides `.env`."""
    base = f"localhost:{port}"
    return {
        "DEMO": "true",
        "DEBUG": "false",
        "BASE_DOMAIN": base,
        "HOME_ORIGIN": f"http://{base}",
        "WIKI_ORIGIN": f"http://wiki.{base}",
        "TODO_ORIGIN": f"http://todo.{base}",
        "IDP_ORIGIN": f"http://{{tenant}}.idp.{base}",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **dict.fromkeys(("TRUSTED_PROXIES", "PORT_ORIGIN", "OWN_SITES_AT", "METRICS_TOKEN"), ""),
        "WEB_CONCURRENCY": "1",
        **{f"LIMIT_{name}": "1000000000/minute" for name in LIMITS},
    }


@contextmanager
def fresh(database: str, directory: Path) -> Iterator[dict[str, str]]:
    """Make an empty database of the kind `database`; yield the variables that name it and its cache; drop it."""
    if database == "sqlite":
        yield {"DATABASE_URL": f"sqlite:///{directory / 'bench.sqlite3'}", "REDIS_URL": ""}
        return
    import MySQLdb  # in requirements-mysql.txt: needed for MariaDB only
    import redis

    at = urlsplit(os.environ.get("DATABASE_URL") or "mysql://root@127.0.0.1:3306/")
    cache = urlsplit(os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0")
    name = f"idjag_bench_{os.getpid()}"
    mariadb = MySQLdb.connect(
        host=at.hostname or "127.0.0.1", port=at.port or 3306, user=at.username or "root", password=at.password or ""
    )
    mariadb.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin")
    try:
        yield {
            "DATABASE_URL": urlunsplit(at._replace(path=f"/{name}")),
            "REDIS_URL": urlunsplit(cache._replace(query=f"key_prefix={name}")),
        }
    finally:
        mariadb.ping(True)  # the server may have closed an idle connection
        mariadb.query(f"DROP DATABASE {name}")
        mariadb.close()
        with redis.from_url(urlunsplit(cache)) as client:
            for key in client.scan_iter(f"{name}:*", count=1000):
                client.delete(key)


def machine() -> dict[str, str]:
    """Return the processor, the system and the version of Python."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else platform.machine()
    return {
        "processor": f"{processor}, {len(os.sched_getaffinity(0))} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }
