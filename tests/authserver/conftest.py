import pytest

from tenants.models import Realm
from tests.authserver.resource_servers import ResourceServer, make_resource_server
from tests.support.in_process import InProcessNetwork


@pytest.fixture(params=["todo", "wiki"])
def app(request: pytest.FixtureRequest, db: None, in_process_network: InProcessNetwork) -> ResourceServer:
    """Todo0's and Wiki0's authorization server in turn."""
    return make_resource_server(Realm(request.param))
