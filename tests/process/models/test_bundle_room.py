"""What each bundle needs, and the room where it goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.models import bundle_room as module
from entrypoint.models.bundle_room import bundle_room
from entrypoint.models.catalogue.manifest import Bundle
from entrypoint.models.disk import free_space
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore

GOOD, MISSING = (
    File(bundle="A", source="url", dest=f"loras/{name}", keys={"url": f"https://h/{name}"}) for name in ("x", "y")
)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    store = ModelStore(str(tmp_path / "data"), str(tmp_path / "kept"))
    store.prepare(GOOD)
    Path(store.path(GOOD)).write_bytes(b"7" * 700)
    store.write_receipt(GOOD, "0" * 64, False, fetched=True)
    return store


def test_installed_and_staged_bytes_are_not_missing(store: ModelStore) -> None:
    os.makedirs(store.staging_folder(MISSING))
    Path(store.staging_folder(MISSING), "part.1").write_bytes(b"7" * 4096)
    staged = store.staged_bytes(MISSING)
    (found,) = bundle_room([Bundle(name="A", files=(GOOD, MISSING), size_gb=0.001)], store)
    assert (found.total, found.missing, found.complete) == (1_000_000, 1_000_000 - 700 - staged, False)


def test_a_complete_bundle_misses_nothing_whatever_the_manifest_says(store: ModelStore) -> None:
    (found,) = bundle_room([Bundle(name="A", files=(GOOD,), size_gb=9)], store)
    assert (found.total, found.missing, found.complete) == (700, 0, True)


def test_the_room_is_that_of_the_disk_which_the_folder_links_to(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    os.rename(f"{store.data}/models", other / "models")
    os.symlink(other / "models", f"{store.data}/models")
    asked: list[str] = []

    def record(folder: str) -> tuple[int, int]:
        asked.append(folder)
        return free_space(folder)

    monkeypatch.setattr(module, "free_space", record)
    (found,) = bundle_room([Bundle(name="A", files=(GOOD, MISSING))], store)
    assert asked == [str(other / "models" / "loras")]
    assert found.free
