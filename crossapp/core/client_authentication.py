"""RFC 6749 section 2.3.1, RFC 7523 section 2.2: authentication of a confidential client, with its secret or its key.

Leaves out authentication by certificate.
"""

import base64
import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from .client_signing_key import NoSigningKey, SigningKey, client_assertion
from .errors import BadAnswer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class AuthMethod(enum.StrEnum):
    """The supported methods, as registered with IANA (RFC 7591 section 2)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


AUTH_METHODS = [(method.value, method.value) for method in AuthMethod]  # for a column's choices


@dataclass(frozen=True)
class Credentials:
    """Additions to a token request; `secrets` are the strings in it that must be masked."""

    headers: dict[str, str] = field(repr=False)
    form: dict[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class OwnClient:
    """This project's client at one authorization server, which is named by its issuer."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    auth_method: str = AuthMethod.CLIENT_SECRET_BASIC.value

    def credentials(self, signing_key: Callable[[], SigningKey]) -> Credentials:
        """Return credentials for one request; `signing_key` returns the client's key or raises NoSigningKey.

        Raises `BadAnswer` for an unsupported method, or if there is no key for it.
        """
        make = _METHODS.get(self.auth_method)
        if make is None:
            raise BadAnswer(f"client authentication method {self.auth_method!r} is not supported")
        return make(self, signing_key)


def _client_secret_post(client: OwnClient, signing_key: object) -> Credentials:
    secret = client.client_secret
    form = {"client_id": client.client_id, "client_secret": secret}
    return Credentials(headers={}, form=form, secrets=(secret, quote_plus(secret)))


def _client_secret_basic(client: OwnClient, signing_key: object) -> Credentials:
    """RFC 6749 section 2.3.1: identifier and secret are form-encoded, then joined."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    basic = base64.b64encode(pair.encode()).decode()
    secrets = (client.client_secret, quote_plus(client.client_secret), basic)
    return Credentials(headers={"Authorization": f"Basic {basic}"}, form={}, secrets=secrets)


def _private_key_jwt(client: OwnClient, signing_key: Callable[[], SigningKey]) -> Credentials:
    """OpenID Connect Core 1.0 section 9; the audience is the issuer, which every server must accept."""
    try:
        assertion = client_assertion(signing_key(), client_id=client.client_id, audience=client.issuer)
    except NoSigningKey as error:
        raise BadAnswer(str(error)) from error
    form = {"client_id": client.client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return Credentials(headers={}, form=form, secrets=(assertion,))


_METHODS: dict[str, Callable[[OwnClient, Callable[[], SigningKey]], Credentials]] = {
    AuthMethod.CLIENT_SECRET_BASIC: _client_secret_basic,
    AuthMethod.CLIENT_SECRET_POST: _client_secret_post,
    AuthMethod.PRIVATE_KEY_JWT: _private_key_jwt,
}
