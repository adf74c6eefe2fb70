"""The environments, overlays and stores of one run of `scripts/bench packages`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from entrypoint.packages.distributions import added, distributions, is_stand_in, site_packages
from entrypoint.packages.overlay import Overlay, pip_environ
from entrypoint.packages.record import Record
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.snapshot import take
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings


class Bench:
    """The folders of one run, and what is in them.

    Attributes:
        image: ComfyUI's environment, compiled; a copy.
        disk: What the volume's server stores.
        volume: The volume as the pod sees it: 1 ms for each call.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.work = Path(options.work).absolute()
        self.rounds: int = options.rounds
        self.comfyui, self.image = self.work / "comfyui-source", self.work / "image-env"
        self.disk, self.volume = self.work / "disk", self.work / "volume"
        self.lock, self.few = Path(options.packages).absolute(), Path(options.few).absolute()
        if not self.image.exists():
            linked_copy(Path(options.python).absolute().parent.parent, self.image)
            run(self.image / "bin/python", "-m", "compileall", "-q", "-j", "2", site_packages(str(self.image)))
        if not self.comfyui.exists():
            run("cp", "-a", Path(options.comfyui).absolute(), self.comfyui)  # it appends to its own log

    def pod(self, name: str) -> tuple[Settings, Paths]:
        """A pod of that name, whose data folder is its own and whose packages are kept on the volume."""
        settings = Settings.from_environ({"PODKEEPER_HOME": str(self.work / name), "RUNPOD_POD_ID": name})
        facts = Facts(mounts=frozenset(), uid=os.getuid(), temporary=tempfile.gettempdir(), python=sys.executable)
        paths = replace(locate(settings, facts), models_state=f"{self.volume}/comfyui/.podkeeper")
        for folder in (paths.runtime, paths.reports, paths.log, paths.data, paths.home):
            os.makedirs(folder, exist_ok=True)
        return settings, paths

    def clean(self) -> None:
        """Remove all that a run has made but the environments with packages in them."""
        for each in self.work.iterdir():
            if each not in (self.image, self.comfyui, self.work / "first"):
                shutil.rmtree(each) if each.is_dir() else each.unlink()

    def overlay(self, paths: Paths) -> Overlay:
        return Overlay(f"{paths.packages}/env", str(self.image))

    def install(self) -> Overlay:
        """The overlay of the first pod, with all packages, installed by pip."""
        _, paths = self.pod("first")
        overlay = self.overlay(paths)
        if Overlay.found(overlay.folder):
            return overlay
        empty = Store(str(self.work / "none"), "none", "none")
        with locked(overlay):
            restore(overlay, empty, {})
        began = time.monotonic()
        pip(overlay, "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(self.lock))
        print(f"pip installed {len(added(overlay.site))} packages in {time.monotonic() - began:.0f} s", flush=True)
        return overlay


def linked_copy(source: Path, target: Path) -> None:
    """Copy a tree; its files are the same ones, so whatever changes one has to replace it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    run("cp", "-al", source, target)


def pip_check(overlay: Overlay) -> set[str]:
    """What pip finds missing or too old."""
    found = subprocess.run([overlay.python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    return set(found.stdout.strip().splitlines()) if found.returncode else set()


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True)


def pip(overlay: Overlay, *arguments: str) -> None:
    subprocess.run([overlay.python, "-m", "pip", *arguments], env=pip_environ(), check=True)


def without_stand_ins(overlay: Overlay, folder: Path) -> None:
    """The overlay's environment as an ordinary virtual environment."""
    linked_copy(Path(overlay.folder), folder)
    site = site_packages(str(folder))
    for each in distributions(site).values():
        if is_stand_in(site, each.info):
            shutil.rmtree(f"{site}/{each.info}")


def snapshot(overlay: Overlay, store: Store) -> tuple[float, tuple[str, ...]]:
    """Seconds, and the packages that got an archive."""
    began = time.monotonic()
    found = take(overlay, store, store.record(), ())
    store.write_record(found.record)
    if found.failed:
        raise SystemExit(f"cannot keep: {found.failed}")
    return time.monotonic() - began, found.written


def restored(overlay: Overlay, store: Store, record: Record) -> float:
    """Seconds for a restore into a new overlay."""
    os.sync()
    began = time.monotonic()
    with locked(overlay):
        failed = restore(overlay, store, record)
    if failed:
        raise SystemExit(f"cannot restore: {failed}")
    return time.monotonic() - began


def names_in(lock: Path) -> set[str]:
    """Normalised names of the packages that a lock pins."""
    found = re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", lock.read_text())
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}
