from collections.abc import Iterator

import pytest

from tests.support.fake_idp import ISSUER, FakeIdp, answering_at


@pytest.fixture
def idp() -> Iterator[FakeIdp]:
    """The IdP of `connection`: the process's own session talks to it."""
    with answering_at(ISSUER) as fake:
        yield fake
