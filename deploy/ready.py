"""Exits with 0 if the web process in this container is ready (/readyz on the bare host), else with 1 and why not.

For health checks: it starts no Django.
"""

import os
import sys
import urllib.request
from urllib.parse import urlsplit

home = os.environ.get("HOME_ORIGIN") or f"http://{os.environ.get('BASE_DOMAIN') or 'localhost:8000'}"
request = urllib.request.Request("http://127.0.0.1:8000/readyz", headers={"Host": urlsplit(home).netloc})
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)  # whatever HTTP_PROXY says
except OSError as error:
    sys.exit(f"not ready: {error}")
