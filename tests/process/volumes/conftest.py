"""The FUSE file system that the volume tests share."""

from pathlib import Path

import pytest

from tests.support.file_systems import build_passthrough


@pytest.fixture(scope="session")
def passthrough(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_passthrough(tmp_path_factory.mktemp("passthrough"))
