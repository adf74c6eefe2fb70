"""A: makes the overlay: an environment of its own whose packages come before the image's, and into which pip and uv
install.

pip sees the image's packages through a .pth file, but would uninstall them to upgrade, and uv looks at an
environment's own folder only (astral-sh/uv#2500): it would fetch torch again. So each package of the image has a
stand-in, a dist-info with METADATA and no files: both then see it as installed, and an upgrade lands in the overlay.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from entrypoint.packages.distributions import STAND_IN, distributions, site_packages
from entrypoint.settings.settings import secret_variables
from entrypoint.system.files import read_text

#: torch and what is built for exactly its version: a node's requirements must not move them.
HELD = ("torch", "torchvision", "torchaudio", "triton")
_MADE_FOR = "podkeeper-overlay"
#: What makes the overlay see the image's packages.
IMAGE_PTH = "_podkeeper_image.pth"
_INSTALLERS = ("pip", "uv", "pip3")


@dataclass(frozen=True, slots=True)
class Overlay:
    """The overlay environment.

    Attributes:
        folder: Where it is; the folder it is in belongs to the services' user.
        image: The environment below it.
        held: `torch`, or `all`: which of the image's packages may not change.
    """

    folder: str
    image: str
    held: str = "torch"

    @property
    def python(self) -> str:
        return f"{self.folder}/bin/python"

    @property
    def site(self) -> str:
        """Its folder of packages."""
        return site_packages(self.folder)

    @property
    def constraints(self) -> str:
        """The file with the packages that are held; pip reads it always, uv by UV_CONSTRAINT."""
        return f"{self.folder}/constraints.txt"

    @classmethod
    def found(cls, folder: str) -> Overlay | None:
        """The whole overlay that is in `folder`, if there is one."""
        lines = (read_text(f"{folder}/{_MADE_FOR}") or "").splitlines()
        return cls(folder, lines[1], lines[2]) if len(lines) == 3 else None

    @property
    def ground(self) -> str:
        """The image's environment: below an environment of another ComfyUI version there is another one."""
        below = Overlay.found(self.image)
        return below.ground if below else self.image

    def is_current(self, key: str) -> bool:
        """Whether it is there, whole, and was made for the image's environment as it is now."""
        return read_text(f"{self.folder}/{_MADE_FOR}") == self._made_for(key)

    def _made_for(self, key: str) -> str:
        return f"{key}\n{self.image}\n{self.held}\n"


def prepare(overlay: Overlay, folder: str) -> None:
    """Make an empty overlay in `folder`, which is moved to `overlay.folder` once it is whole (`finish`).

    Raises:
        OSError: The disk refuses, or there is no environment below.
    """
    base = site_packages(overlay.image)
    python = os.path.realpath(f"{overlay.image}/bin/python")
    site = f"{folder}/lib/{os.path.basename(os.path.dirname(base))}/site-packages"
    os.makedirs(site)
    os.mkdir(f"{folder}/bin")
    for name in ("python", "python3", os.path.basename(os.path.dirname(base))):
        os.symlink(python, f"{folder}/bin/{name}")
    _write(f"{folder}/pyvenv.cfg", f"home = {os.path.dirname(python)}\ninclude-system-site-packages = false\n")
    below = read_text(f"{base}/{IMAGE_PTH}") or ""  # Python reads no .pth file in a folder that one has named
    _write(f"{site}/{IMAGE_PTH}", f"{base}\n{below}")
    held = []
    for each in distributions(base).values():
        _make_stand_in(base, site, each.info)
        if overlay.held == "all" or each.name in HELD or each.name.startswith("nvidia-"):
            # Without the local part: `2.10.0+cu128` is no version of an index, and `==2.10.0` accepts it (PEP 440).
            held.append(f"{each.name}=={each.version.partition('+')[0]}\n")
    _write(f"{folder}/constraints.txt", "".join(sorted(held)))
    # pip reads the environment's own pip.conf under --isolated, too; PIP_CONFIG_FILE alone would keep it from that.
    _write(f"{folder}/pip.conf", f"[global]\nconstraint = {overlay.constraints}\ndisable-pip-version-check = true\n")
    for tool in ("pip", "pip3"):
        _write(f"{folder}/bin/{tool}", f'#!/bin/sh\nexec "{overlay.python}" -m pip "$@"\n', 0o755)


def pip_environ() -> dict[str, str]:
    """This process's environment without PIP_CONFIG_FILE, which would keep pip from the overlay's own pip.conf.

    The logins that a download has taken into it are left out, too: a node's install.py is another person's code.
    """
    left_out = {"PIP_CONFIG_FILE", "MODELS_MANIFEST", *secret_variables()}
    return {name: text for name, text in os.environ.items() if name not in left_out}


def mend_stand_ins(overlay: Overlay) -> None:
    """Make the stand-ins anew that an installation removed and whose package is gone again: the image's counts."""
    base, site = site_packages(overlay.image), overlay.site
    here = distributions(site)
    for each in distributions(base).values():
        if each.name not in here:
            shutil.rmtree(f"{site}/{each.info}", ignore_errors=True)
            _make_stand_in(base, site, each.info)


def _make_stand_in(base: str, site: str, info: str) -> None:
    os.mkdir(f"{site}/{info}")
    # Entry points: Python takes those of the first dist-info of a name, and setuptools has its commands there.
    copied = ["METADATA", *(name for name in ("entry_points.txt",) if os.path.exists(f"{base}/{info}/{name}"))]
    for name in copied:
        shutil.copyfile(f"{base}/{info}/{name}", f"{site}/{info}/{name}")
    _write(f"{site}/{info}/INSTALLER", STAND_IN + "\n")
    files = (f"{info}/{name},,\n" for name in (*copied, "INSTALLER", "RECORD"))
    _write(f"{site}/{info}/RECORD", "".join(files))


def finish(overlay: Overlay, folder: str, key: str) -> None:
    """Move a prepared overlay to its place; the former one is removed. A crash leaves the former one or none, and a
    folder that the next start removes."""
    _write(f"{folder}/{_MADE_FOR}", overlay._made_for(key))
    former = f"{overlay.folder}.former-{os.urandom(6).hex()}"
    try:
        os.rename(overlay.folder, former)
    except FileNotFoundError:
        former = ""
    os.rename(folder, overlay.folder)
    if former:
        shutil.rmtree(former, ignore_errors=True)


def remove_leftovers(overlay: Overlay) -> None:
    """Remove what interrupted starts have left beside the overlay."""
    above, name = os.path.split(overlay.folder)
    for left in os.listdir(above):
        if left.startswith((f"{name}.new-", f"{name}.former-")):
            shutil.rmtree(f"{above}/{left}", ignore_errors=True)


def installer_runs(overlay: Overlay) -> bool:
    """Whether a pip or uv process uses the overlay."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        words = (read_text(f"/proc/{name}/cmdline") or "").split("\0")
        if any(os.path.basename(word) in _INSTALLERS for word in words[:5]):
            environ = read_text(f"/proc/{name}/environ") or ""
            if overlay.folder in environ or any(word.startswith(overlay.folder) for word in words):
                return True
    return False


def new_folder(overlay: Overlay) -> str:
    """A name for an overlay that is being made: on the same file system, random."""
    return f"{overlay.folder}.new-{os.urandom(6).hex()}"


def _write(path: str, text: str, mode: int = 0o644) -> None:
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode), "w", encoding="utf-8") as file:
        file.write(text)
