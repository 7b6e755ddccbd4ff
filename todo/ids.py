"""What the number of a todo looks like in an address; anything else is a todo that does not exist."""

from django.urls.converters import IntConverter

MAX_ID = 10**18 - 1  # below what any database counts to


class TodoIdConverter(IntConverter):
    """A path converter: ASCII digits without leading zero, at most `MAX_ID`."""

    regex = "[1-9][0-9]{0,17}"
