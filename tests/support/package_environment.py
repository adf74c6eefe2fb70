"""A stand-in for ComfyUI's environment: pip, and packages with names that ComfyUI imports; wheels to install."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pip

from entrypoint.packages.distributions import key_of
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings

#: Name -> version of the packages of the stand-in.
IMAGE = {"torch": "2.10.0+cu128", "pydantic": "2.12.0", "numpy": "2.3.0"}


def make_environment(folder: Path, packages: Mapping[str, str] = IMAGE) -> Path:
    """A virtual environment with pip and `packages`; each package's module has its version."""
    venv.create(folder, symlinks=True)
    site = next((folder / "lib").iterdir()) / "site-packages"
    source = Path(pip.__file__).parent
    for each in (source, *source.parent.glob("pip-*.dist-info")):
        shutil.copytree(each, site / each.name, symlinks=True)
    wheels = folder / "wheels"
    wheels.mkdir()
    for name, version in packages.items():
        write_wheel(wheels, name, version)
    install(folder / "bin/python", wheels, *(f"{name}=={version}" for name, version in packages.items()))
    return folder


def make_pod(folder: Path, image: Path) -> Paths:
    """The paths of a pod in `folder` that has nothing above the image's packages."""
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=sys.executable)
    found = locate(Settings(home=str(folder)), facts)
    overlay = Overlay(f"{found.packages}/env", str(image))
    with locked(overlay):
        restore(overlay, Store(f"{folder}-store", key_of(overlay.image), "pod"), {})
    return found


def write_wheel(
    folder: Path, name: str, version: str, code: str = "", requires: tuple[str, ...] = (), files: Mapping[str, str] = {}
) -> Path:
    """Write a wheel (PEP 427) whose module `name` has `__version__` and then `code`."""
    info = f"{name}-{version}.dist-info"
    lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
    content = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n{code}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{lines}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **files,
    }
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name_in, text in {**content, f"{info}/RECORD": record}.items():
            wheel.writestr(name_in, text)
    return path


def install(python: Path | str, wheels: Path, *requirements: str) -> subprocess.CompletedProcess[str]:
    """pip install from the folder of wheels alone."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels), *requirements]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def run_python(python: Path | str, code: str) -> str:
    """What the code prints."""
    ended = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout.strip()


def tree_digest(folder: Path) -> str:
    """Of every file's name and content; compiled modules apart, which an import may write."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()
