"""The embedded identity provider: one issuer per tenant.

Modules by protocol step:

* `views/authorize.py`, `views/sign_in.py`: the front channel of OpenID Connect Core section 3.1.
* `validator.py`: the claims of ID tokens; the code and refresh grants are oauthlib's.
* `token_exchange_grant.py`: RFC 8693, an identity assertion comes in, an ID-JAG goes out.
  It uses `subject_tokens.py` (verifies the subject token), `cross_app_policy.py` (permission) and `id_jag.py` (builds
  and signs).
* `views/userinfo.py`, `views/logout.py`: the rest of the OpenID Provider. `grant_revocation.py`: effect of a sign-out.

It imports nothing from `crossapp`: the code that builds an ID-JAG and the code that verifies it are independent.
"""
