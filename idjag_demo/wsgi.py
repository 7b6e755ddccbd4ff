"""The WSGI application that gunicorn serves: `gunicorn idjag_demo.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idjag_demo.settings")

application = get_wsgi_application()

from idjag_demo.checks import stop_if_unsafe  # noqa: E402  (needs the settings)

stop_if_unsafe()
