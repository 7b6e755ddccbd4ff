"""Signals for other apps."""

from django.dispatch import Signal

# After a single sign-on. Arguments: `user`, and `id_token_claims`, the verified ID token's claims.
signed_in = Signal()

# After a failed sign-in. Arguments: `refused` (a SignInRefused), `connection` (None if unknown) and, if no tenant has
# it, `email`.
sign_in_refused = Signal()

# In the transaction that creates an account without the email that its IdP says, because it is malformed or not of the
# tenant's domains. Arguments: `user` and `email`. An exception of a receiver prevents the account.
email_left_out = Signal()
