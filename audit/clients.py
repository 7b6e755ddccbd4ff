"""Who says to be asking, before that is proved."""

import base64


def unverified_client(authorization: str | None, client_id: str | None) -> str:
    """Return the client identifier in the Authorization header or else the body of a token request, or ""."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return client_id or ""
    try:
        pair = base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return ""
    return pair.partition(":")[0] if ":" in pair else ""
