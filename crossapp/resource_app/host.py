"""The interface that the host product implements, in the class named by CROSSAPP_RESOURCE_APP["HOST"]."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..core.id_jag import IdJag, IssuerRefused, TrustedIssuer

__all__ = ["Host", "IssuerRefused", "SubjectDenied", "SubjectRefused", "TrustedIssuer"]


class SubjectRefused(Exception):
    """The subject gets no access: unknown, not active, not of this tenant. `detail` says which, for the log only."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SubjectDenied(SubjectRefused):
    """The subject is known and has no access: another ID-JAG would not help. `detail` is for the log only."""


class Host(Protocol):
    """Stateless; created for every request. `request` is oauthlib's, with the authenticated `request.client`.

    Any method may raise `crossapp.core.refusals.AccessDenied` for a refusal by policy. No method may send HTTP.
    """

    def audience(self, request: Any) -> str:
        """Return the issuer identifier of this authorization server."""

    def resources(self, request: Any) -> Sequence[str]:
        """Return the identifiers of the APIs this authorization server governs, the default one first."""

    def trusted_issuer(self, request: Any, issuer: str, unverified_claims: Mapping[str, Any]) -> TrustedIssuer | None:
        """Return the IdP with exactly this issuer; None if unknown, disabled, or not for this client.

        Or raise IssuerRefused, which gives the peer the same answer and the log a reason. `unverified_claims` are the
        whole payload: if several customers share the issuer, a claim says which one this is (ID-JAG -04 section 6.1).
        The signature is checked afterwards. Compare that claim again in `subject`.
        """

    def client_scopes(self, request: Any) -> Sequence[str]:
        """Return the scopes this client may have."""

    def subject(self, request: Any, trusted: TrustedIssuer, id_jag: IdJag) -> Any:
        """Return the user of the ID-JAG's subject; raises SubjectRefused, or SubjectDenied for a known one.

        Runs in the transaction that issues the token: an account created here is rolled back if the redemption fails.
        """
