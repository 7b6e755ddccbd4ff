"""What a log must not say: codes, states, hints and tokens travel in query strings (RFC 6750 section 5.3)."""

import logging
import re

_QUERY = re.compile(r"\?.*?(?= HTTP/\d|$)", re.MULTILINE)


class WithoutQueries(logging.Filter):
    """Cuts the query of the URL in a record's message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the message, and let the record through."""
        record.msg, record.args = _QUERY.sub("?…", record.getMessage()), ()
        return True
