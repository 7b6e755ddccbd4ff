"""A product with nothing but the resource app; these tests pass in it as well:

pytest tests/resource_app --confcutdir=tests/resource_app --ds=tests.resource_app.minimal_settings
"""

import os
import tempfile
from pathlib import Path

SECRET_KEY = "not a secret"
USE_TZ = True
INSTALLED_APPS = ["crossapp.resource_app"]
_path = os.environ.get("TEST_DB") or str(Path(tempfile.gettempdir()) / f"minimal-{os.getpid()}.sqlite3")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _path,
        "TEST": {"NAME": _path},
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10},
    }
}
CROSSAPP_RESOURCE_APP = {"HOST": "tests.resource_app.fakes.FakeHost"}
