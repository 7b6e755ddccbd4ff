"""What the foundation tells the apps above it."""

from django.dispatch import Signal

# Something happened too often, for the first time in this window. Arguments: `limit`, its name, and `facts` about the
# sender, named as the columns of an audit event.
throttled = Signal()
