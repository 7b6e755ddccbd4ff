"""The WSGI entrance: what a request's Content-Type may say, before Django and the middleware act on it.

Django would decode the query and the body with any codec of Python that the header names, punycode and hex among them.
"""

import re
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

_TOKEN = r"[!#$&^_.+\w-]++"  # RFC 9110 section 5.6.2, without the characters of RFC 8187's extended names
_PARAMETER = rf""";\s*+(?:{_TOKEN}=(?:"[^"\\]*+"|{_TOKEN}))?+\s*+"""
_MEDIA_TYPE = re.compile(rf"\s*+({_TOKEN}(?:/{_TOKEN})?+)?+\s*+((?:{_PARAMETER})*+)", re.ASCII)
_CHARSET = re.compile(r';\s*charset="?([^";\s]*)', re.ASCII | re.IGNORECASE)
_UTF_8 = ("", "utf-8", "utf8", "us-ascii")


class Utf8Request(WSGIRequest):
    """A request whose query and body are UTF-8. `unreadable` says why its Content-Type is refused, or is "".

    `SizeMiddleware` refuses it, so that the answer has a request id and a log line as every other.
    """

    unreadable = ""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        found = _MEDIA_TYPE.fullmatch(str(meta.get("CONTENT_TYPE", "")))
        self.content_type, self.content_params = ((found[1] or "").lower() if found else ""), {}
        if found is None:
            self.unreadable = "The Content-Type is malformed."
        elif self.content_type.startswith("multipart/"):
            self.unreadable = "Send the form as application/x-www-form-urlencoded: no form here is multipart."
        elif any(charset.lower() not in _UTF_8 for charset in _CHARSET.findall(found[2])):
            self.unreadable = "The body must be UTF-8."


class Entrance(WSGIHandler):
    """Django's WSGI application, with `Utf8Request`."""

    request_class = Utf8Request
