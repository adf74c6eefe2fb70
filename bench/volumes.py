"""`scripts/bench volumes`: our passes and the usual commands, in one run, as ratios.

Needs root. `--files 200000` (or 1000000) sets the size; `--delay-us 1000` puts the tree behind a FUSE
passthrough that takes that long for every call (needs gcc and libfuse3-dev; take fewer files: `chmod -R` pays
every one). First pass: all wrong. Second pass: all right. Read the ratios; the seconds are the machine's.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from bench import volume_trees as tree
from tests.support.file_systems import build_passthrough, misbehaving

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parent
GID = "100"

OURS = """
import sys, threading
from entrypoint.volumes.rules import Rule
from entrypoint.volumes.syscalls import Kernel
from entrypoint.volumes.walk import Walk
walk = Walk(Rule(sys.argv[1], sys.argv[2], 0, 100), Kernel(), threading.Event())
walk.run()
assert not walk.errors.counts, walk.errors.counts
"""
BOOT_STEPS = """
import sys, time
began = time.perf_counter()
from entrypoint.volumes.open_top import make_top_usable
from entrypoint.volumes.write_probe import probe
from entrypoint.system.privileges import own_identity, powers
from entrypoint.volumes.rules import Rule
imported = time.perf_counter()
report = make_top_usable(sys.argv[1], Rule(sys.argv[1], 'top', 0, 0, 1))
opened = time.perf_counter()
result = probe(sys.argv[1], own_identity(), powers())
end = time.perf_counter()
assert result.ok and not report.errors
print(*(round(each * 1000, 2) for each in (imported - began, opened - imported, end - opened)))
"""


def contestants(top: pathlib.Path) -> dict[str, list[str]]:
    ours = [sys.executable, "-c", OURS, str(top)]
    return {
        "chmod -R a+rwX": ["chmod", "-R", "a+rwX", str(top)],
        "chmod -R 777 && chown -R": ["sh", "-c", 'chmod -R 777 "$0" && chown -R 0:100 "$0"', str(top)],
        "fix-permissions": [str(HERE / "fix-permissions.sh"), GID, str(top)],
        "ours, shared": [*ours, "shared"],
        "ours, group": [*ours, "group"],
    }


def timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def compare(source: pathlib.Path, top: pathlib.Path, remote: bool, only: list[str]) -> dict[str, list[float]]:
    """name -> [seconds all wrong, seconds all right]."""
    results = {}
    for name, command in contestants(top).items():
        if only and not any(word in name for word in only):
            continue
        tree.spoil(source)
        time.sleep(1.1 if remote else 0)  # FUSE caches attributes for a second
        tree.forget_caches(remote)
        wrong = timed(command)
        time.sleep(1.1 if remote else 0)
        tree.forget_caches(remote)
        results[name] = [round(wrong, 3), round(timed(command), 3)]
        print(f"  {name}: {results[name]}", flush=True)
    return results


def boot_steps(source: pathlib.Path, top: pathlib.Path) -> None:
    """The cost of a start: import, top and write probe, in ms, first all wrong, then all right."""
    tree.spoil(source)
    for state in ("wrong", "right", "right"):
        out = subprocess.run(
            [sys.executable, "-c", BOOT_STEPS, str(top)],
            check=True,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
        ).stdout.split()
        print(f"  start, {state}: import {out[0]} ms, top {out[1]} ms, write probe {out[2]} ms", flush=True)


def table(results: dict[str, list[float]], inodes: int) -> None:
    base = next(iter(results.values()))
    print(f"\n| {inodes} inodes | all wrong s (ratio) | all right s (ratio) |\n|---|---|---|")
    for name, (wrong, right) in results.items():
        print(f"| {name} | {wrong:.2f} ({wrong / base[0]:.3f}) | {right:.2f} ({right / base[1]:.3f}) |")


@contextlib.contextmanager
def volume(work: pathlib.Path, source: pathlib.Path, delay_us: int) -> Iterator[pathlib.Path]:
    if not delay_us:
        yield source
        return
    with misbehaving(build_passthrough(work), source, work / "volume", delay_us) as mount:
        yield mount.folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--delay-us", type=int, default=0)
    parser.add_argument("--shape", choices=tree.FILES_A_FOLDER, default="many")
    parser.add_argument("--only", action="append", default=[], help="part of a contestant's name")
    parser.add_argument("--boot-only", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, help="where the tree is made (and removed)")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="bench-volumes-", dir=options.folder))
    try:
        inodes = tree.make(work / "source", options.files, options.shape)
        with volume(work, work / "source", options.delay_us) as top:
            print(f"{inodes} inodes, {options.delay_us} us a call", flush=True)
            boot_steps(work / "source", top)
            if not options.boot_only:
                results = compare(work / "source", top, bool(options.delay_us), options.only)
                table(results, inodes)
                kept = REPOSITORY / "bench" / "results"
                kept.mkdir(exist_ok=True)
                name = f"volumes-{options.files}-{options.delay_us}us.json"
                (kept / name).write_text(json.dumps({"inodes": inodes, "seconds": results}))
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
