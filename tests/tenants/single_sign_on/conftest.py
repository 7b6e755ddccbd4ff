from collections.abc import Iterator

import pytest

from base.outgoing import session
from tests.support.fake_idp import ISSUER, FakeIdp


@pytest.fixture
def idp() -> Iterator[FakeIdp]:
    """The IdP of `connection`: the process's own session talks to it."""
    fake = FakeIdp()
    session().mount(ISSUER, fake)
    yield fake
    del session().adapters[ISSUER]
