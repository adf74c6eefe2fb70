"""The choice of a version, whatever its file on the volume holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoint.comfyui.versions.chosen import Chosen, Version, read_chosen, write_chosen
from entrypoint.settings.paths import Paths
from tests.support.comfyui_paths import paths_in


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return paths_in(tmp_path)


def test_the_choice_is_read_back(paths: Paths) -> None:
    chosen = Chosen(version=Version("v1", "/r", "a" * 40), before=None, proven=False, at=12.5, reverted="why")
    write_chosen(paths, chosen)
    assert read_chosen(paths) == chosen


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"version": 7, "proven": "no", "at": "x"}',
        '{"version": {"name": "v1", "commit": "../../etc"}}',
        '{"version": {"name": ["v1"], "commit": null}}',
    ],
)
def test_a_file_that_cannot_be_used_chooses_the_images_version(paths: Paths, content: str) -> None:
    write_chosen(paths, Chosen())
    file = Path(paths.models_state) / "comfyui-version.json"
    file.write_text(content)
    assert read_chosen(paths) == Chosen()
    file.unlink()
    file.mkdir()
    assert read_chosen(paths) == Chosen()
