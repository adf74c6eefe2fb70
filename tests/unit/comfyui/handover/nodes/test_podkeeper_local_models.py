"""ComfyUI reads the local disk's file where that is the volume's very file."""

import os
import pathlib
import runpy
import sys
import types
from collections.abc import Callable

import pytest

NODE = pathlib.Path(__file__).parents[5] / "entrypoint/comfyui/handover/nodes/podkeeper_local_models.py"
Find = Callable[[str, str], str | None]


@pytest.fixture
def find(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Find:
    """`folder_paths.get_full_path` as ComfyUI has it once the node is loaded; a name with a slash is taken as it is."""
    comfyui = types.ModuleType("folder_paths")

    def get_full_path(folder_name: str, filename: str) -> str | None:
        path = f"{tmp_path}/data/models/{folder_name}/{filename}" if "/" not in filename else filename
        return path if os.path.isfile(path) else None

    comfyui.get_full_path = get_full_path  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "folder_paths", comfyui)
    monkeypatch.setenv("PODKEEPER_DATA_PATH", f"{tmp_path}/data")
    monkeypatch.setenv("PODKEEPER_MODELS_CACHE_PATH", f"{tmp_path}/local")
    runpy.run_path(str(NODE))
    return comfyui.get_full_path  # type: ignore[no-any-return]


def write(path: pathlib.Path, text: str, at: int = 1) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(at, at))
    return str(path)


def test_the_same_file_is_read_from_the_local_disk_and_any_other_from_the_volume(
    tmp_path: pathlib.Path, find: Find
) -> None:
    volume = write(tmp_path / "data/models/loras/a", "abc")
    assert find("loras", "a") == volume
    local = write(tmp_path / "local/models/loras/a", "abc")
    assert find("loras", "a") == local
    write(tmp_path / "local/models/loras/a", "abcd")
    assert find("loras", "a") == volume
    write(tmp_path / "local/models/loras/a", "xyz", at=2)
    assert find("loras", "a") == volume
    assert find("loras", "nowhere") is None
    other = write(tmp_path / "other/a", "abc")
    assert find("loras", other) == other
