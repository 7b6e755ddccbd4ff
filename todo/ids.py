"""The number of a todo in an address; any other text is a todo that does not exist."""

from django.urls.converters import IntConverter

MAX_ID = 10**18 - 1  # every supported database can store it


class TodoIdConverter(IntConverter):
    """A path converter: ASCII digits without leading zero, at most `MAX_ID`."""

    regex = "[1-9][0-9]{0,17}"
