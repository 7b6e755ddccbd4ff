"""What the database holds of the flow: every grant is in all of its tables or in none."""

from typing import Any

from django.db.models import Max, QuerySet
from oauth2_provider.models import get_access_token_model

from audit.models import Act, AuditEvent, Outcome
from crossapp.resource_app.models import ConsumedJti


class Books:
    """The rows since this object was made."""

    def __init__(self) -> None:
        tables = (AuditEvent, ConsumedJti, get_access_token_model())
        self._last = {table: table.objects.aggregate(last=Max("pk"))["last"] or 0 for table in tables}

    def _new(self, table: Any) -> QuerySet[Any]:
        return table.objects.filter(pk__gt=self._last[table])

    def jtis(self, act: Act) -> list[str]:
        """Return the `jti` of each ID-JAG that was issued (TOKEN_EXCHANGE) or redeemed (REDEMPTION)."""
        events = self._new(AuditEvent).filter(act=act, outcome=Outcome.DONE)
        return list(events.order_by("pk").values_list("jti", flat=True))

    def assert_balanced(self) -> None:
        """Each token has its audit row and its claimed jti, and none is there twice."""
        redeemed = self.jtis(Act.REDEMPTION)
        tokens = self._new(get_access_token_model()).filter(application__client_id="wiki0-at-todo0")
        assert len(set(redeemed)) == len(redeemed) == tokens.count() == self._new(ConsumedJti).count()

    def assert_all_issued_here(self) -> None:
        """Each ID-JAG that was redeemed was issued by an embedded IdP, and no two are the same."""
        issued = self.jtis(Act.TOKEN_EXCHANGE)
        assert len(set(issued)) == len(issued)
        assert set(self.jtis(Act.REDEMPTION)) <= set(issued)
