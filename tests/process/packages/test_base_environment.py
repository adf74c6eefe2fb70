"""The variant thin: ComfyUI's environment from the package index, and from the volume in the next container."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.packages.base_environment import Base
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from tests.support.package_environment import run_python, write_wheel


class World:
    """Locks, an index, and pods on one volume."""

    def __init__(self, folder: Path) -> None:
        self.wheels, self.locks, self._folder = folder / "wheels", folder / "locks", folder
        self.wheels.mkdir()
        (self.locks / "cu128").mkdir(parents=True)
        for part, name in {
            "cuda-1": "cublas",
            "cuda-2": "",
            "torch": "torch",
            "packages": "aiohttp",
            "comfyui": "",
        }.items():
            text = ""
            if name:
                wheel = write_wheel(self.wheels, name, "1.0")
                text = f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
            (self.locks / "cu128" / f"{part}.txt").write_text(text)

    def base(self) -> Base:
        return Base(self.paths, locks=str(self.locks))

    @property
    def paths(self) -> Paths:
        found = locate(
            Settings(home=str(self._folder / "pod")),
            Facts(mounts=frozenset(), uid=0, temporary="/tmp", python=sys.executable),
        )
        Path(found.runtime).mkdir(parents=True, exist_ok=True)
        return found

    def new_container(self) -> Base:
        """The local disk is gone, the volume stays."""
        shutil.rmtree(self.paths.packages)
        return self.base()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("thin"))


@pytest.fixture(autouse=True)
def index(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(world.wheels))


def modules(base: Base) -> str:
    return run_python(f"{base.environment}/bin/python", "import cublas, torch, aiohttp; print(torch.__version__)")


def test_it_arrives_part_by_part_and_from_the_volume_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The index fails in the third part: the parts before are kept, and another start continues.
    (world.wheels / "torch-1.0-py3-none-any.whl").rename(world.wheels / "torch.away")
    with pytest.raises(CannotDo) as caught:
        world.base().arrive()
    assert caught.value.condition.name == "ComfyUINotArrived"
    assert "torch==1.0" in caught.value.condition.reason
    assert world.base().done() == ["cuda-1", "cuda-2"]
    (world.wheels / "torch.away").rename(world.wheels / "torch-1.0-py3-none-any.whl")
    (world.wheels / "cublas-1.0-py3-none-any.whl").rename(world.wheels / "cublas.away")  # not fetched once more
    base = world.base()
    base.arrive()
    assert base.is_whole()
    assert modules(base) == "1.0"
    (condition,) = read_conditions(world.paths.runtime)
    assert (condition.name, "part 5 of 5, ComfyUI's own" in condition.reason) == ("ComfyUIArriving", True)
    base.keep(print)
    assert len(list(Path(base.store.archives).iterdir())) == 3  # nothing is in cuda-2 and comfyui
    base.keep(print)
    assert capsys.readouterr().out.count("is kept on the volume") == 3
    (world.wheels / "cublas.away").rename(world.wheels / "cublas-1.0-py3-none-any.whl")

    # The next container has no index.
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    base = world.new_container()
    base.arrive()
    assert (base.is_whole(), modules(base)) == (True, "1.0")

    # A damaged archive is fetched again, with the others.
    monkeypatch.setenv("PIP_FIND_LINKS", str(world.wheels))
    archive = Path(base.store.archives) / "torch.tar.zst"
    archive.write_bytes(archive.read_bytes()[:-20])
    base = world.new_container()
    base.arrive()
    assert (base.is_whole(), modules(base)) == (True, "1.0")
    assert "torch.tar.zst" in capsys.readouterr().out


def test_a_file_that_is_not_the_locks_is_refused(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = tmp_path / "wheels"
    others.mkdir()
    for name in ("cublas", "torch", "aiohttp"):
        write_wheel(others, name, "1.0", code="bad = 1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(others))
    shutil.rmtree(world.paths.models_state, ignore_errors=True)
    base = world.new_container()
    with pytest.raises(CannotDo) as caught:
        base.arrive()
    assert "DO NOT MATCH THE HASHES" in caught.value.condition.reason
    assert base.done() == []
