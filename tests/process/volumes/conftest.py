import pytest

from tests.support.file_systems import build_passthrough


@pytest.fixture(scope="session")
def passthrough(tmp_path_factory):
    return build_passthrough(tmp_path_factory.mktemp("passthrough"))
