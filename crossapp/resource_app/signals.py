"""What the grant tells the product it lives in, for an audit."""

from django.dispatch import Signal

# A token is issued. Arguments: `request` (oauthlib's, with `client`, `user`, `scopes`, `resource`), `facts` (those of
# the log line), `id_jag` and `trusted`. Sent inside the transaction that stores the token: a receiver that raises
# `errors.Refused` ends it, and the client gets that answer.
redemption_granted = Signal()

# No token is issued. Arguments: `request`, `facts`, `id_jag` and `trusted` (None if it did not get that far),
# `unverified` (the parsed JWS, or None), `error`, `check`, `detail`. Sent after the rollback; receivers cannot change
# the answer.
redemption_refused = Signal()
