"""What this app tells whoever counts."""

from django.dispatch import Signal

# An act took place, or was refused: each one, also those that are one too many to be recorded. Arguments: `act`,
# `outcome`, and `error`, the OAuth error code of a refusal or "".
acted = Signal()
