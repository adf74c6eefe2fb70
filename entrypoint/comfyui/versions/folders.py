"""A: where a version of ComfyUI is: `source` and `env` in a folder of the local disk, and one archive on the volume.

An environment is for one image's packages: under another image the version is prepared anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.versions.chosen import Version
from entrypoint.nodes.outcome import Refused
from entrypoint.packages.distributions import key_of
from entrypoint.packages.store import CannotKeep, Store
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_text, write_atomically

#: Written last: the folder is whole.
_WHOLE = "podkeeper-version"
_TRIAL = "trial-"


class Place(NamedTuple):
    """A version's place under this image.

    Attributes:
        folder: Its folder on the local disk.
        store: Where its archive is on the volume.
        commit: Its commit.
    """

    folder: str
    store: Store
    commit: str

    @property
    def source(self) -> Source:
        """Its code, and the Python with its packages."""
        return Source(f"{self.folder}/source", f"{self.environment}/bin/python")

    @property
    def environment(self) -> str:
        """The environment with its packages, above the image's."""
        return f"{self.folder}/env"

    @property
    def archive(self) -> str:
        """The archive's name."""
        return f"{self.commit}.tar.zst"

    def is_whole(self) -> bool:
        """Whether it is here, for this image's packages."""
        return read_text(f"{self.folder}/{_WHOLE}") == self._mark()

    def note_whole(self) -> None:
        """Note that it is. Raises OSError: the disk refuses."""
        write_atomically(f"{self.folder}/{_WHOLE}", self._mark())

    def keep(self) -> None:
        """Write its archive to the volume, where there is none yet. Raises CannotKeep."""
        if not self.store.has(self.archive):
            self.store.keep(self.archive, self.folder, _files(self.folder))

    def restore(self) -> None:
        """Unpack the archive. Raises CannotKeep: it is missing or damaged. Raises OSError: the local disk refuses."""
        self.remove()
        os.makedirs(self.folder)
        try:
            self.store.unpack(self.archive, self.folder)
        except BaseException:
            self.remove()
            raise
        if not self.is_whole():
            self.remove()
            raise CannotKeep("it is damaged")

    def remove(self) -> None:
        """Remove its folder."""
        with contextlib.suppress(OSError):
            os.unlink(f"{self.folder}/{_WHOLE}")  # first: what is being removed is not whole
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mark(self) -> str:
        return f"{self.store.key} {self.commit}\n"


def place_of(paths: Paths, image: Source, version: Version) -> Place:
    """The version's place; `image`: the ComfyUI of the image."""
    key = key_of(os.path.dirname(os.path.dirname(image.python)))
    store = Store(f"{paths.models_state}/comfyui", key, "pod")
    return Place(f"{_above(paths)}/{version.commit[:12]}", store, version.commit)


@contextlib.contextmanager
def alone(paths: Paths) -> Iterator[None]:
    """Hold the lock of all changes of the version. Raises Refused: another process holds it."""
    os.makedirs(_above(paths), exist_ok=True)
    descriptor = os.open(f"{_above(paths)}/lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another change of ComfyUI's version is under way; wait for it to end") from None
        for name in os.listdir(_above(paths)):
            if name.startswith(_TRIAL):  # of a change that was killed
                shutil.rmtree(f"{_above(paths)}/{name}", ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def new_trial_folder(paths: Paths) -> str:
    """Make a folder for a trial; `alone` removes what a killed one has left."""
    return tempfile.mkdtemp(prefix=_TRIAL, dir=_above(paths))


def _above(paths: Paths) -> str:
    return f"{paths.packages}/comfyui"


def _files(top: str) -> list[str]:
    """Everything below `top`, relative to it; links are not followed."""
    found = []
    for folder, folders, names in os.walk(top):
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]
        empty = [""] if not folders and not names else []
        found += [os.path.relpath(f"{folder}/{name}", top) for name in (*names, *links, *empty)]
    return sorted(found)
