"""Fresh databases: what the environment must say, made before the measurement and gone after it."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

TITLES = {"sqlite": "SQLite", "mariadb": "MariaDB and Redis"}
DATABASES = tuple(TITLES)
LIMITS = (
    *("SIGN_IN_ACCOUNT", "SIGN_IN_ACCOUNT_ANYWHERE", "SIGN_IN_ADDRESS", "SIGN_IN_TENANT", "SIGN_IN_EVERYWHERE"),
    *("EMAIL_STEP", "CLIENT", "CLIENT_FAILURES", "CLIENT_FAILURES_ADDRESS", "API", "UNFURL", "RECORDED_REFUSALS"),
)


def common(port: int) -> dict[str, str]:
    """Return the environment of the demo on `port`, with limits too high to reach, whatever `.env` says."""
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
    """Make an empty database of the kind `database`; yield what the environment says of it and of its cache."""
    if database == "sqlite":
        yield {"DATABASE_URL": f"sqlite:///{directory / 'bench.sqlite3'}", "REDIS_URL": ""}
        return
    import MySQLdb  # in requirements-mysql.txt: needed for MariaDB only
    import redis

    at, cache, name = urlsplit(_mariadb()), urlsplit(_redis()), f"idjag_bench_{os.getpid()}"
    database_server = MySQLdb.connect(
        host=at.hostname or "127.0.0.1", port=at.port or 3306, user=at.username or "root", password=at.password or ""
    )
    database_server.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    try:
        yield {
            "DATABASE_URL": urlunsplit(at._replace(path=f"/{name}")),
            "REDIS_URL": urlunsplit(cache._replace(query=f"key_prefix={name}")),
        }
    finally:
        database_server.ping(True)  # it may have been idle for long
        database_server.query(f"DROP DATABASE {name}")
        database_server.close()
        with redis.from_url(urlunsplit(cache)) as client:
            for key in client.scan_iter(f"{name}:*", count=1000):
                client.delete(key)


def _mariadb() -> str:
    return os.environ.get("DATABASE_URL") or "mysql://root@127.0.0.1:3306/"


def _redis() -> str:
    return os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
