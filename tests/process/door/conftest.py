"""A gateway with a login, shared by the tests that change nothing about it."""

from collections.abc import Iterator

import pytest

from tests.support.door.running_door import Scene, running


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("gateway") / "pod") as made:
        yield made
