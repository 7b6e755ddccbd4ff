"""Signals of the grant, for the host's audit and metrics."""

from django.dispatch import Signal

# A token is issued. Arguments: `request` (oauthlib's, with `client`, `user`, `scopes`, `resource` and all the `facts`),
# `facts` (those of the log line), `id_jag` and `trusted`. Sent inside the transaction that stores the token: a receiver
# that raises `errors.Refused` ends it, and the client gets that answer.
redemption_granted = Signal()

# No token is issued. Arguments: `request`, `facts`, `id_jag` and `trusted` (None if it did not get that far),
# `unverified` (the parsed JWS, or None), `error`, `check`, `detail`. Sent after the rollback; receivers cannot change
# the answer.
redemption_refused = Signal()

# The keys of an issuer or a client were looked up. `result` is "hit" (cached) or "miss" (fetched). Like the next one,
# it does not name the owner; receivers cannot change anything.
keys_looked_up = Signal()

# Keys were fetched over HTTP. `outcome` is "answered" or "failed".
keys_fetched = Signal()
