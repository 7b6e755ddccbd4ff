"""Settings of a product that has lifted the requesting app and nothing else of this project.

This proves that it can be lifted:
pytest tests/requesting_app --confcutdir=tests/requesting_app --ds=tests.requesting_app.minimal_settings
"""

import os
import tempfile
from pathlib import Path

SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["localhost"]
INSTALLED_APPS = [
    "crossapp.requesting_app",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tests.requesting_app.minimal_urls"
_folder = Path(os.environ.get("MINIMAL_DATABASE_FOLDER") or tempfile.mkdtemp())
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _folder / "minimal.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        "TEST": {"NAME": _folder / "minimal-test.sqlite3"},
    }
}
USE_TZ = True
CROSSAPP_REQUESTING_APP = {
    "ENCRYPTION_KEYS": ["bWluaW1hbC1zZXR0aW5ncy1vZi10aGUtdGVzdHMtMzI="],
    "HTTP_SESSION": "tests.requesting_app.peers.session",
    "SUBJECT_TOKEN_STORE": "tests.requesting_app.peers.MemoryStore",
}
