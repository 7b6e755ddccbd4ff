"""The foundation of both halves and of the other rooms, without Django and oauthlib.

JSON, JOSE and HTTP: `strict_json`, `jws`, `jwk`, `claims`, `urls`, `http`, `oauth_text`, `masking`.
The client side of an authorization server: `metadata`, `discovery`, `keys`, `client_authentication`,
`client_signing_key`, `token_response`, `errors`. The pure halves of the client's legs: `token_exchange`,
`jwt_bearer`, and `refresh`. The verifier: `id_jag`, `checks`, `id_jag_checks`, `scope`, `resource`, `refusals`.
"""
