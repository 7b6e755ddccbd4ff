"""The WSGI application that `manage.py serve` serves."""

import gc
import os

import django
from django.conf import settings

from idjag_demo.start import explained, make_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idjag_demo.settings")

with explained():
    make_files()
    django.setup(set_prefix=False)

    from idjag_demo.checks import stop_if_unsafe  # these two need the settings
    from idjag_demo.entrance import Entrance

    application = Entrance()

    stop_if_unsafe()

# A request must not wait for its database longer than the proxy waits for the request; a migration may.
if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    settings.DATABASES["default"]["OPTIONS"].setdefault("read_timeout", 25)
    settings.DATABASES["default"]["OPTIONS"].setdefault("write_timeout", 25)

# The objects loaded by now stay, so the garbage collector skips them (it would take a tenth of a request's time).
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
