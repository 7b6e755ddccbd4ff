"""What peers may send: any bytes, any JSON, any form; and how many examples a run tries."""

import string
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

# The same examples in every run: what fails here fails everywhere.
SETTINGS: dict[str, Any] = {
    "derandomize": True,
    "deadline": None,
    "database": None,
    "phases": [Phase.explicit, Phase.generate],  # without the minutes it takes to make a failure smaller
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
QUICK = settings(max_examples=150, **SETTINGS)
OVER_HTTP = settings(max_examples=60, **SETTINGS)

TEXTS = st.text(max_size=40) | st.sampled_from(["", " ", "\0", "\n", "a\r\nb: c", "é", "\u202e", "a" * 300, "'\"<\\>"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**19), 10**19)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
JSON = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXTS, children, max_size=4),
    max_leaves=8,
)
CLAIMS = st.sampled_from(
    ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "resource", "email", "email_verified",
     "name", "tenant", "cnf", "act", "authorization_details", "x"]
)  # fmt: skip
HEADERS = st.sampled_from(["typ", "alg", "kid", "crit", "b64", "jwk", "jku", "x5u", "x5c", "cty", "zip", "x"])
BASE64URL = st.text(string.ascii_letters + string.digits + "-_=.", max_size=60)
COMPACT = BASE64URL | st.tuples(BASE64URL, BASE64URL, BASE64URL).map(".".join) | st.text(max_size=60)
BODIES = st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))


def changes(names: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of up to three members put in the place of others."""
    return st.dictionaries(names, JSON, min_size=1, max_size=3)


def pairs(names: list[str], values: list[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Return a strategy of form parameters: mostly of these names, sometimes with values that mean something."""
    name = st.sampled_from(names) | TEXTS
    return st.lists(st.tuples(name, st.sampled_from(values) | TEXTS | COMPACT), max_size=8)
