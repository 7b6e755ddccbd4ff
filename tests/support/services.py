"""Whether the services of `make test-services` answer; `python -m tests.support.services` says what to do if not."""

import os
import sys
from collections.abc import Callable

import environ
import MySQLdb
import redis


def mariadb_problem(url: str) -> str | None:
    """Return why the server of DATABASE_URL can not be used, or None if it can."""
    try:
        database = environ.Env.db_url_config(url)
        if database["ENGINE"] != "django.db.backends.mysql":
            return "it does not begin with mysql://"
        MySQLdb.connect(
            host=database["HOST"],
            port=int(database["PORT"] or 3306),
            user=database["USER"],
            password=database["PASSWORD"],
            connect_timeout=5,
        ).close()
    except (MySQLdb.Error, ValueError) as error:
        return str(error)
    return None


def redis_problem(url: str) -> str | None:
    """Return why the server of REDIS_URL can not be used, or None if it can."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as connection:
            connection.ping()
    except (redis.RedisError, ValueError) as error:
        return str(error)
    return None


SERVICES: dict[str, tuple[str, Callable[[str], str | None], str]] = {
    "DATABASE_URL": ("MariaDB", mariadb_problem, "mysql://user:password@host:3306 of a user who may create databases"),
    "REDIS_URL": ("Redis", redis_problem, "redis://host:6379/0"),
}


def main() -> int:
    """Print one line for each service that can not be used; return how many these are."""
    problems = 0
    for variable, (name, problem_of, example) in SERVICES.items():
        if problem := problem_of(os.environ[variable]):
            sys.stdout.write(f"{name} can not be used: {problem.rstrip('.')}. Start it, or set {variable}={example}\n")
            problems += 1
    return problems


if __name__ == "__main__":
    sys.exit(main())
