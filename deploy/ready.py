"""Health check of a container: exits with 0 if /readyz on the bare host answers 200, otherwise with 1 and the reason.

It does not start Django.
"""

import os
import sys
import urllib.request
from urllib.parse import urlsplit

home = os.environ.get("HOME_ORIGIN") or f"http://{os.environ.get('BASE_DOMAIN') or 'localhost:8000'}"
request = urllib.request.Request("http://127.0.0.1:8000/readyz", headers={"Host": urlsplit(home).netloc})
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)  # ignores HTTP_PROXY
except OSError as error:
    sys.exit(f"not ready: {error}")
