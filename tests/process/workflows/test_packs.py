"""Custom nodes of a workflow: installed as `podkeeper nodes install` does, each on its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from entrypoint.nodes.inventory import NEW, folder_of, inventory
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.workflows.fetch import fetch
from entrypoint.workflows.needed import Pack
from entrypoint.workflows.packs import state_of
from entrypoint.workflows.plan import INSTALLED, MISSING, PackState, Plan, Room
from tests.support.node_repositories import head, new_repository
from tests.support.package_environment import make_environment, make_pod


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    image = make_environment(tmp_path_factory.mktemp("image") / "env", {})
    return make_pod(tmp_path_factory.mktemp("pod") / "home", image)


def install(paths: Paths, *wanted: str, nodes: bool = True) -> int:
    packs = [PackState(Pack("x", kinds={"A"}), MISSING, each) for each in wanted]
    return asyncio.run(fetch(Settings(), paths, Plan([], packs, Room(10**12)), nodes=nodes))


def test_one_that_cannot_be_installed_costs_itself_alone(
    paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = new_repository(tmp_path / "MyNode", {"__init__.py": "NODE_CLASS_MAPPINGS = {}"})
    wanted = f"{repository}@{head(repository)}"
    assert install(paths, wanted, nodes=False) == 0
    assert inventory(paths) == []
    assert install(paths, str(tmp_path / "Nowhere"), wanted) == 1
    assert f"cannot install {tmp_path}/Nowhere: cannot clone" in capsys.readouterr().out
    assert [(node.name, node.state) for node in inventory(paths)] == [("MyNode", NEW)]
    assert [path.name for path in Path(folder_of(paths)).iterdir()] == ["MyNode"]
    assert state_of(Pack("mynode", kinds={"A"}), inventory(paths), None, ()).state == INSTALLED
