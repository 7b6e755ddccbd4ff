from tests.authserver.resource_servers import app  # noqa: F401 (fixture)
from tests.support.embedded_idp import bob, id_token, idp, other_idp, signed_in  # noqa: F401 (fixtures)
