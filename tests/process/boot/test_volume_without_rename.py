"""A volume that cannot rename (an object store): the login is kept all the same, and JupyterLab comes up."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.door.kept_secrets import KeptSecrets
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.file_systems import build_passthrough, misbehaving, needs_fuse


@pytest.fixture
def top() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="podkeeper-rename-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def paths_in(folder: Path) -> Paths:
    facts = Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/python")
    return locate(Settings(home=str(folder)), facts)


@needs_fuse
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM, errno.ENOTSUP])
def test_the_login_is_kept_without_rename(number: int, top: Path) -> None:
    (top / "source").mkdir()
    with misbehaving(build_passthrough(top), top / "source", top / "pod") as mount:
        mount.set(mount.RENAME, number)
        for text in ("first", "second"):
            kept = KeptSecrets(paths_in(mount.folder), shared=False)
            kept.write("jupyter_token", text)
            assert kept.read("jupyter_token") == text
            kept.close()
        (found,) = (mount.folder / "login").iterdir()  # no temporary file is left
        assert found.stat().st_mode & 0o777 == 0o600
