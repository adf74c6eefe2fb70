"""What nodes' packages cost: ComfyUI's start with them, their restore at boot, and how soon a new one is safe.

usage: scripts/bench packages --comfyui DIR --python ENV/bin/python --packages all.txt --few wan.txt [--work DIR]

    bench/node_packages/compile DIR     writes all.txt and wan.txt (needs uv)

ENV is ComfyUI's environment, exactly image/comfyui.lock; neither ENV nor DIR is changed. ENV is copied by hard links,
so --work must be on their file system (about 15 GB). --work is kept, and a second run finds the packages in it; wait
five minutes before it: ext4 searches past the inodes that were deleted within that time (`recently_deleted`), which
made a restore take 20 s of system time in place of 4. So nothing is deleted between the rounds.

The volume is a FUSE file system that takes 1 ms for each call (root, /dev/fuse, gcc, libfuse3-dev; also zstd).
Everything is measured in one run: trust the ratios.

ComfyUI starts with --cpu and one custom node (bench/node_packages/node.py) that imports what 21 packs import, in turn
with the packages in
  image    the image's environment itself, where they are lost with the container, and pip can ruin it
  overlay  podkeeper's overlay above the image's environment, restored from the volume
  volume   a virtual environment on the volume above the image's environment, as RunPod's own template has it
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.ports import free_port
from entrypoint.packages import environment
from entrypoint.packages.distributions import added, distributions, is_stand_in, site_packages
from entrypoint.packages.local_state import fingerprint, write_state
from entrypoint.packages.overlay import Overlay, pip_environ
from entrypoint.packages.record import Record, installed
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.snapshot import take
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.file_systems import build_passthrough, misbehaving

HERE = Path(__file__).parent
DELAY_US = 1000
#: What is installed while the keeper runs: a small package and a large one, which none of the packs need.
NEW = ("humanize", "pandas")
START_LIMIT_S = 300


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


def comfyui_start(bench: Bench, python: str | Path) -> tuple[float, str]:
    """Seconds from the process's start to the first 200 on /system_stats, and what the stand-in node printed."""
    port, data = free_port(), bench.work / "data"
    node = data / "custom_nodes/packages_of_21_packs"
    node.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "node_packages/node.py", node / "__init__.py")
    command = [
        *(str(python), "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"),
        *("--base-directory", str(data), "--database-url", f"sqlite:///{data}/comfyui.db"),
    ]
    with (data / "output.txt").open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=bench.comfyui, stdout=out, stderr=out, start_new_session=True)
    try:
        while not responds(port):
            if process.poll() is not None or time.monotonic() - began > START_LIMIT_S:
                raise SystemExit(f"ComfyUI did not start; see {data}/output.txt")
            time.sleep(0.05)
        seconds = time.monotonic() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = (data / "output.txt").read_text(errors="replace").splitlines()
    return seconds, "\n".join(line for line in lines if line.startswith("packages node"))


def responds(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as client:
            client.sendall(b"GET /system_stats HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return client.recv(12).endswith(b" 200")
    except OSError:
        return False


def compiled(*folders: str | Path) -> int:
    """How many compiled modules there are."""
    return sum(name.endswith(".pyc") for folder in folders for _, _, names in os.walk(folder) for name in names)


@contextlib.contextmanager
def keeper_running(settings: Settings, paths: Paths) -> Iterator[None]:
    """The program `nodes`, as supervisord runs it."""
    environ = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": settings.home, "RUNPOD_POD_ID": settings.pod_id}
    environ |= paths.to_environ() | {"COMFYUI_INTERNAL_PORT": str(free_port())}
    with open(f"{paths.log}/nodes.log", "wb") as out:
        command = [sys.executable, "-I", "-m", "entrypoint.nodes"]
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out, start_new_session=True)
    try:
        time.sleep(5)  # it has looked at what is installed
        yield
    finally:
        process.terminate()
        process.wait()


def seconds_until_safe(bench: Bench, store: Store, overlay: Overlay, name: str) -> float:
    """From pip's end until the archive and the record are on the volume's own disk."""
    pip(overlay, "install", "--quiet", "--no-deps", name)
    began = time.monotonic()
    folder = Path(str(bench.disk) + store.folder.removeprefix(str(bench.volume))) / store.key
    record = folder / f"records/{store.pod}.json"
    while time.monotonic() - began < 120:
        with contextlib.suppress(OSError, ValueError):
            for each in json.loads(record.read_text())["packages"]:
                if each["name"] == name and (folder / "archives" / each["archive"]).is_file():
                    return time.monotonic() - began
        time.sleep(0.05)
    raise SystemExit(f"{name} is not on the volume after 120 s; see its log: nodes.log")


def line(name: str, values: Sequence[float], more: str = "") -> float:
    """Print the median and all values; returns the median."""
    middle = statistics.median(values)
    print(f"  {name:<44} median {middle:6.2f} s   of {', '.join(f'{each:.2f}' for each in values)}{more}", flush=True)
    return middle


def measure(bench: Bench) -> None:
    first = bench.install()
    settings, paths = bench.pod("first")
    store = environment.store_of(settings, paths, first)
    print(f"\n{len(added(first.site))} packages beside ComfyUI's own; the volume takes {DELAY_US / 1000:.0f} ms a call")
    seconds, written = snapshot(first, store)
    size = sum(each.stat().st_size for each in (bench.disk / "comfyui/.podkeeper/packages").rglob("*.zst"))
    print(f"  first snapshot: {len(written)} archives, {size / 1e6:.0f} MB, {seconds:.1f} s")
    record = installed(store.record())
    few = {name: entry for name, entry in record.items() if name in names_in(bench.few)}

    print(f"\nRestore from the volume into a new overlay, {bench.rounds} rounds in turn")
    some, every = [], []
    for number in range(bench.rounds):
        some.append(restored(bench.overlay(bench.pod(f"few{number}")[1]), store, few))
        second = bench.overlay(bench.pod(f"second{number}")[1])
        every.append(restored(second, store, record))
    line(f"{len(few)} packages: Wan, KJ, VHS, Manager", some, "   target <= 3 s")
    line(f"{len(record)} packages: 21 packs", every, "   target <= 10 s")
    check(bench, first, second, store)

    print(f"\nComfyUI's start until /system_stats responds, {bench.rounds} rounds in turn; one custom node imports")
    print("what 21 packs import, in place of the packs themselves")
    started = starts(bench, first, second)
    image, overlay, volume = (line(name, values) for name, values in started.items())
    print(f"  overlay / image   {overlay / image:.2f}   target <= 1.05")
    print(f"  overlay / volume  {overlay / volume:.2f}   target <= 0.50")

    print("\nFrom pip's end until a new package's archive and the record are on the volume; the keeper runs,")
    print("ComfyUI does not")
    settings, paths = bench.pod(f"second{bench.rounds - 1}")
    now = fingerprint(second)
    write_state(second, had=tuple(added(second.site)), kept=now)
    own = environment.store_of(settings, paths, second)
    with keeper_running(settings, paths):
        for name in NEW:
            line(name, [seconds_until_safe(bench, own, second, name)], "   target <= 10 s")


def check(bench: Bench, first: Overlay, second: Overlay, store: Store) -> None:
    """What has to be the same after a restore."""
    same = fingerprint(first) == fingerprint(second)
    print(f"  fingerprint after the restore is the one before: {'yes' if same else 'NO'}")
    seconds, written = snapshot(second, store)
    print(f"  snapshot after the restore: {len(written)} archives written anew, {seconds:.2f} s {written or ''}")
    before, after = (pip_check(overlay) for overlay in (first, second))
    print(
        f"  pip check: {'as before the restore' if before == after else 'NOT as before the restore'}; it names", end=" "
    )
    print(", ".join(sorted({each.split(" requires ")[-1].split(",")[0] for each in after})) or "nothing", end="")
    print(" (overrides.txt leaves them out)" if after else "")
    folders = (second.folder, bench.image, bench.comfyui)
    already = compiled(*folders)
    seconds, said = comfyui_start(bench, second.python)
    new = compiled(*folders) - already
    print(f"  the first start after the restore: {seconds:.1f} s, writes {new} compiled modules")
    print(f"  {said.replace(chr(10), chr(10) + '    ')}")


def starts(bench: Bench, first: Overlay, second: Overlay) -> dict[str, list[float]]:
    """Where the packages are -> seconds of each start."""
    filled, venv = bench.work / "filled-env", bench.disk / "venv"
    without_stand_ins(first, venv)
    linked_copy(bench.image, filled)
    run("cp", "-al", "--remove-destination", f"{venv}/lib/.", filled / "lib")
    os.unlink(f"{site_packages(str(filled))}/_podkeeper_image.pth")
    pythons: dict[str, Path | str] = {
        "image": filled / "bin/python",
        "overlay": second.python,
        "volume": bench.volume / "venv/bin/python",
    }
    found: dict[str, list[float]] = {name: [] for name in pythons}
    for number in range(bench.rounds + 1):
        for name, python in pythons.items():
            seconds, _ = comfyui_start(bench, python)
            if number:  # the first round warms the caches
                found[name].append(seconds)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("comfyui", "python", "packages", "few"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--work", help="a folder that is kept between runs")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not (options.comfyui and options.python and options.packages and options.few):
        print("needs --comfyui DIR --python ENV/bin/python --packages all.txt --few wan.txt; see --help")
        return 2
    with tempfile.TemporaryDirectory(prefix="podkeeper-bench-") as temporary:
        options.work = options.work or temporary
        bench = Bench(options)
        bench.clean()
        bench.disk.mkdir()
        try:
            with misbehaving(build_passthrough(Path(temporary)), bench.disk, bench.volume, DELAY_US):
                measure(bench)
        finally:
            bench.clean()
    return 0


if __name__ == "__main__":
    sys.exit(main())
