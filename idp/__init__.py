"""The embedded identity provider: one issuer per tenant.

Where each protocol step is:

* `views/authorize.py`, `views/sign_in.py`: the front channel of OpenID Connect Core section 3.1.
* `validator.py`: the claims of ID tokens; the code and refresh grants themselves are oauthlib's.
* `token_exchange_grant.py`: RFC 8693, an identity assertion comes in, an ID-JAG goes out.
  Its parts: `subject_tokens.py` (whose token is it), `cross_app_policy.py` (may they), `id_jag.py` (build and sign).
* `views/userinfo.py`, `views/logout.py`: the rest of the OpenID Provider. `grants.py`: what a sign-out ends.

It takes nothing from `crossapp`: what builds an ID-JAG and what verifies one stay independent.
"""
