"""The settings of the tests: the project's own, with everything pinned that a developer's `.env` may change.

`TEST_DB` names the SQLite file the tests use; without it, it lies beside that of `DATABASE_URL`. On a server, it is the
database `test_` and the name in `DATABASE_URL` ("idjag" if there is none). pytest-django adds the name of the xdist
worker; in Redis each worker has its own prefix, below which alone it empties the cache.
"""

import os
from pathlib import Path

os.environ.update(
    {
        "DEMO": "true",
        "DEBUG": "false",
        "BASE_DOMAIN": "localhost:8000",
        "HOME_ORIGIN": "http://localhost:8000",
        "WIKI_ORIGIN": "http://wiki.localhost:8000",
        "TODO_ORIGIN": "http://todo.localhost:8000",
        "IDP_ORIGIN": "http://{tenant}.idp.localhost:8000",
        "PORT_ORIGIN": "",
        "OWN_SITES_AT": "",
        "CORS_ORIGINS": "",
        "METRICS_TOKEN": "",
        "LOG_FORMAT": "plain",
    }
)

from idjag_demo.settings import *  # noqa: F403
from idjag_demo.settings import (
    CACHES,
    CROSSAPP_REQUESTING_APP,
    CROSSAPP_RESOURCE_APP,
    DATABASES,
    LIMITS,
    PASSWORD_HASHERS,
)

_database = DATABASES["default"]
if _database["ENGINE"] == "base.sqlite":
    _own = Path(_database["NAME"]).with_name("test.sqlite3")
    _database["TEST"] = {"NAME": os.environ.get("TEST_DB") or str(_own)}
else:
    _database["NAME"] = _database["NAME"] or "idjag"

for _alias in CACHES:
    CACHES[_alias]["KEY_PREFIX"] = f"{_alias}_test_{_database['NAME']}_{os.environ.get('PYTEST_XDIST_WORKER', '')}"

# A checkout where nothing was started has no secrets of its own.
SECRET_KEY = "of the tests, which sign nothing that anybody else believes"
for _half in (CROSSAPP_REQUESTING_APP, CROSSAPP_RESOURCE_APP):
    _half["ENCRYPTION_KEYS"] = ["a2V5LW9mLXRoZS10ZXN0cy1hbmQtbm9uZS1vdGhlci4="]

# On where they are tested: other tests knock as often as they like.
LIMITS = dict.fromkeys(LIMITS, "0")

# Static files are looked for when asked for: a test client is a new handler, which would list them all first.
WHITENOISE_AUTOREFRESH = True

# A million rounds per sign-in prove nothing here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
