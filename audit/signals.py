"""Signals for the metrics."""

from django.dispatch import Signal

# Sent for each act, done or refused, including refusals that are not recorded. Arguments: `act`, `outcome`, and
# `error`, the OAuth error code of a refusal or "".
acted = Signal()
