"""What both halves and everything else stand on, without Django and without oauthlib.

JSON, JOSE and HTTP: `strict_json`, `jws`, `jwk`, `claims`, `urls`, `http`, `oauth_text`, `masking`.
An authorization server as its clients see it: `metadata`, `discovery`, `keys`, `client_authentication`,
`client_signing_key`, `token_response`, `errors`. The client's two legs, their pure halves: `token_exchange`,
`jwt_bearer`, and `refresh`. The verifier: `id_jag`, `scope`, `resource`, `refusals`.
"""
