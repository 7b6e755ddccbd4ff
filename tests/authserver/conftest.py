from tests.support.embedded_idp import bob, id_token, idp, other_idp, signed_in  # noqa: F401 (fixtures)
