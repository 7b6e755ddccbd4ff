"""Signals from the foundation to the apps above it."""

from django.dispatch import Signal

# A sender exceeded a limit, for the first time in this window. Arguments: `limit`, its name, and `facts` about the
# sender, named like the columns of an audit event.
throttled = Signal()

# The keys of an issuer or a client were needed. `result` is "hit" if the kept ones serve, else "miss". Sent, like the
# next one, without saying whose they are; receivers cannot change anything.
keys_looked_up = Signal()

# Keys were fetched over HTTP. `outcome` is "answered" or "failed".
keys_fetched = Signal()
