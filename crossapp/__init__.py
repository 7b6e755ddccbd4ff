"""Cross-app access: the Identity Assertion JWT Authorization Grant (ID-JAG).

1. A person signs in to the requesting app at the company's IdP. The app keeps the ID token.
2. The requesting app exchanges it at the IdP for an ID-JAG (`core/token_exchange.py`; RFC 8693, ID-JAG -04
   section 4.3).
3. It redeems the ID-JAG at the resource app's token endpoint (`core/jwt_bearer.py`; RFC 7523, ID-JAG -04
   section 4.4).
4. The resource app verifies the ID-JAG (`core/id_jag.py`) and answers with its own access token.
5. The requesting app calls the API with that token (`requesting_app/api.py`; RFC 6750).
"""

DRAFT = "draft-ietf-oauth-identity-assertion-authz-grant-04"
"""The revision that this code implements, and that every citation `ID-JAG -04 section X` is of."""
