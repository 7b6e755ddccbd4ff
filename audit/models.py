"""The append-only audit table. Only the sweep deletes rows, by age."""

from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.utils import timezone

MAX_TEXT = 200
BATCH = 1000  # rows per DELETE statement


class AppendOnly(TypeError):
    """Code tried to change or delete an event."""

    def __init__(self) -> None:
        super().__init__("Audit events cannot be changed or deleted; only sweep() deletes old ones.")


class Act(models.TextChoices):
    """The kind of an act, done or refused."""

    SIGN_IN = "sign_in", "sign-in"
    SIGN_OUT = "sign_out", "sign-out"
    TOKEN_EXCHANGE = "token_exchange", "token exchange"
    REDEMPTION = "redemption", "redemption of an ID-JAG"
    AUTHORIZATION_CODE = "authorization_code", "redemption of a code"
    REFRESH_TOKEN = "refresh_token", "refresh"
    TOKEN_REQUEST = "token_request", "token request without a known grant"
    AUTHORIZATION = "authorization", "authorization request"
    REVOCATION = "revocation", "revocation"
    INTROSPECTION = "introspection", "introspection"
    CROSS_APP_ACCESS = "cross_app_access", "cross-app access"
    THROTTLED = "throttled", "too many requests"
    POLICY_CHANGE = "policy_change", "change of a policy"
    KEY_CHANGE = "key_change", "change of a key"
    CONNECTION_CHANGE = "connection_change", "change of a connection"
    CLIENT_CHANGE = "client_change", "change of a client"
    TENANT_CHANGE = "tenant_change", "change of a tenant"
    ACCOUNT_CHANGE = "account_change", "change of an account"


class Outcome(models.TextChoices):
    DONE = "done", "done"
    REFUSED = "refused", "refused"


class AuditEvents(models.QuerySet["AuditEvent"]):
    """Allows reading, adding and `sweep`; every other method raises `AppendOnly`."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly

    def sweep(self, *, older_than: datetime) -> int:
        """Delete the events from before `older_than`, in batches, and return their number."""
        gone, old = 0, self.filter(at__lt=older_than).order_by("at").values_list("pk", flat=True)
        while pks := list(old[:BATCH]):
            gone += self.model._base_manager.filter(pk__in=pks)._raw_delete(self.db)
        return gone


def _text(help_text: str = "", **kwargs: Any) -> Any:
    return models.CharField(max_length=MAX_TEXT, blank=True, help_text=help_text, **kwargs)


class AuditEvent(models.Model):
    """One act and its outcome. Text only, no foreign keys, so that it outlives the objects it names."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    act = models.CharField(max_length=20, choices=Act.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    server = _text("The origin that received the request; empty for a command.")
    address = _text("The network address of the peer.")
    tenant = _text("Its slug.")
    user = _text("The user who acted or for whom the client acted: realm and user name; command:name from a shell.")
    client_id = _text("The authenticated client that acted.")
    issuer = _text("The issuer of the verified identity assertion.")
    sub = _text("The subject in the identity assertion.")
    email = _text("The verified email in the identity assertion of a refused sign-in.")
    actor = _text("The party that acts for the subject, as the ID-JAG has it (act, RFC 8693).")
    sub_profile = _text("The kind of subject, as the ID-JAG has it.")
    jti = _text("The jti of the ID-JAG.", db_index=True)
    audience = _text("The resource authorization server's issuer.")
    resource = _text("The API's identifier.")
    scope_asked = _text()
    scope_granted = _text()
    target = _text("The object that was changed.")
    error = _text("The OAuth error code of a refusal.")
    failed_check = _text()
    checks_passed = models.JSONField(default=list, blank=True, help_text="By their names, in order.")
    detail = _text("The reason for the operator; the peer gets a shorter one.")
    request_id = _text("The id of the HTTP request; its log lines have the same id. A reference is its beginning.")
    unverified = models.JSONField(
        default=dict, blank=True, help_text="Values that the peer sent and no check verified."
    )
    ms = models.FloatField("milliseconds", null=True, blank=True)

    objects: ClassVar[Any] = AuditEvents.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["act", "at"], name="audit_by_act"),
            models.Index(fields=["outcome", "at"], name="audit_by_outcome"),
            models.Index(fields=["tenant", "at"], name="audit_by_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.outcome_in_words}"

    @property
    def outcome_in_words(self) -> str:
        if self.outcome == Outcome.DONE:
            return self.get_outcome_display()
        why = ", ".join(filter(None, [self.error, self.failed_check]))
        return f"{self.get_outcome_display()} ({why})" if why else self.get_outcome_display()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add a new row; raises `AppendOnly` for one that was loaded or saved before."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})  # a row with the same key is never overwritten

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly
