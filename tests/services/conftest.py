from tests.flow.conftest import demo  # noqa: F401 (fixture)
