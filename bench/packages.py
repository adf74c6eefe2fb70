"""What nodes' packages cost: ComfyUI's start with them, their restore at boot, and how soon a new one is safe.

usage: scripts/bench packages --comfyui DIR --python ENV/bin/python --packages all.txt --few wan.txt [--work DIR]

    bench/node_packages/compile DIR     writes all.txt and wan.txt (needs uv)

ENV is ComfyUI's environment, exactly image/comfyui.lock; neither ENV nor DIR is changed. ENV is copied by hard links,
so --work must be on their file system (about 15 GB). --work is kept, and a second run finds the packages in it; wait
five minutes before it: an ext4 without a journal searches past the inodes that were deleted within that time
(`recently_deleted` in fs/ext4/ialloc.c), and a restore took 20 s of system time in place of 4. So nothing is deleted
between the rounds.

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
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.comfyui_start import Start, comfyui_start, compiled
from bench.package_folders import (
    Bench,
    linked_copy,
    names_in,
    pip,
    pip_check,
    restored,
    run,
    snapshot,
    without_stand_ins,
)
from bench.ports import free_port
from entrypoint.packages import environment
from entrypoint.packages.distributions import added, site_packages
from entrypoint.packages.local_state import fingerprint, write_state
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.record import installed
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from tests.support.file_systems import build_passthrough, misbehaving

DELAY_US = 1000
#: What is installed while the keeper runs: a small package and a large one, which none of the packs need.
NEW = ("humanize", "pandas")


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
    check(bench, first, bench.overlay(bench.pod("few0")[1]), second, store)

    print(f"\nComfyUI's start until /system_stats responds, {bench.rounds} rounds in turn; one custom node imports")
    print("what 21 packs import, in place of the packs themselves")
    started = starts(bench, first, second)
    image, overlay, volume = (line(name, [each.seconds for each in found]) for name, found in started.items())
    print(f"  overlay / image   {overlay / image:.2f}   target <= 1.05")
    print(f"  overlay / volume  {overlay / volume:.2f}   target <= 0.50")
    print("  Processor time of the same starts, which other work on the machine changes less")
    image, overlay, _ = (line(name, [each.cpu_s for each in found]) for name, found in started.items())
    print(f"  overlay / image   {overlay / image:.2f}")

    print("\nFrom pip's end until a new package's archive and the record are on the volume; the keeper runs,")
    print("ComfyUI does not")
    settings, paths = bench.pod(f"second{bench.rounds - 1}")
    now = fingerprint(second)
    write_state(second, had=tuple(added(second.site)), kept=now)
    own = environment.store_of(settings, paths, second)
    with keeper_running(settings, paths):
        for name in NEW:
            line(name, [seconds_until_safe(bench, own, second, name)], "   target <= 10 s")


def check(bench: Bench, first: Overlay, few: Overlay, second: Overlay, store: Store) -> None:
    """What has to be the same after a restore."""
    unchanged = "yes" if fingerprint(first) == fingerprint(second) else "NO"
    print(f"  fingerprint after the restore is the one before: {unchanged}")
    seconds, written = snapshot(second, store)
    print(f"  snapshot after the restore: {len(written)} archives written anew, {seconds:.2f} s {written or ''}")
    before, after = (pip_check(overlay) for overlay in (first, second))
    missing = ", ".join(sorted({each.split(" requires ")[-1].split(",")[0] for each in after}))
    print(f"  pip check, {len(added(few.site))} packages: {'; '.join(pip_check(few)) or 'clean'}")
    same = "as" if before == after else "NOT as"
    print(
        f"  pip check, {len(added(second.site))} packages: {same} before the restore; it misses {missing or 'nothing'}"
    )
    if missing:
        print("    (node_packages/overrides.txt leaves out dataclasses and the packages that share cv2/)")
    folders = (second.folder, bench.image, bench.comfyui)
    already = compiled(*folders)
    start = comfyui_start(bench.comfyui, bench.work / "data", second.python)
    new = compiled(*folders) - already
    print(f"  the first start after the restore: {start.seconds:.1f} s, writes {len(new)} compiled modules")
    print(f"  {start.said.replace(chr(10), chr(10) + '    ')}")


def starts(bench: Bench, first: Overlay, second: Overlay) -> dict[str, list[Start]]:
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
    found: dict[str, list[Start]] = {name: [] for name in pythons}
    for number in range(bench.rounds + 1):
        for name, python in pythons.items():
            start = comfyui_start(bench.comfyui, bench.work / "data", python)
            if number:  # the first round warms the caches
                found[name].append(start)
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
