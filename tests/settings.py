"""The settings of the tests: the project's own, with everything pinned that a developer's `.env` may change.

`TEST_DB` names the SQLite file the tests use; without it, it lies beside that of `DATABASE_URL`. pytest-django adds the
name of the xdist worker.
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
    }
)

from idjag_demo.settings import *  # noqa: F403
from idjag_demo.settings import DATABASES, LIMITS, PASSWORD_HASHERS

_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _own = Path(_database["NAME"]).with_name("test.sqlite3")
    _database["TEST"] = {"NAME": os.environ.get("TEST_DB") or str(_own)}

# On where they are tested: other tests knock as often as they like.
LIMITS = dict.fromkeys(LIMITS, "0")

# Static files are looked for when asked for: a test client is a new handler, which would list them all first.
WHITENOISE_AUTOREFRESH = True

# A million rounds per sign-in prove nothing here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
