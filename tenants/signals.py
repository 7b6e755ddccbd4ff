"""What this app tells the others."""

from django.dispatch import Signal

# After a single sign-on. Arguments: `user`, and `id_token_claims`, the verified ID token's claims.
signed_in = Signal()

# Nobody was signed in. Arguments: `refused` (a SignInRefused), `connection` (None if it is not known which) and, if no
# tenant has it, `email`.
sign_in_refused = Signal()
