from tests.flow.conftest import demo  # noqa: F401 (fixture)
from tests.limits.conftest import clock, set_limit  # noqa: F401 (fixtures)
from tests.support.embedded_idp import bob, id_token, idp, other_idp, signed_in  # noqa: F401 (fixtures)
