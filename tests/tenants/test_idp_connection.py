"""The rules of an IdP connection that have nothing to do with its credentials."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tenants.models import IdPConnection


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scope": "profile email"}, "scope"),
        ({"scope": "openid  email"}, "scope"),
        ({"prompt": "none"}, "prompt"),
        ({"clock_skew": 301}, "clock_skew"),
        ({"tenant_claim": "tid"}, "tenant_value"),
        ({"tenant_value": "4711"}, "tenant_value"),
    ],
)
def test_a_value_that_would_lock_everybody_out_is_refused(
    connection: IdPConnection, change: dict[str, Any], field: str
) -> None:
    connection.full_clean()

    for name, value in change.items():
        setattr(connection, name, value)

    with pytest.raises(ValidationError) as refused:
        connection.full_clean()
    assert list(refused.value.message_dict) == [field]
