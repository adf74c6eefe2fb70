"""Whether a model file is read slower through mmap's page faults than by read(2), on volumes with a latency.

usage: scripts/bench model_reads [PYTHON [MILLISECONDS...]]

PYTHON: ComfyUI's; with it, safetensors reads the file, too; "": without. MILLISECONDS: of each request (0 1 5 20).

The volume is a FUSE file system that takes so many milliseconds for each request (root, /dev/fuse, gcc, libfuse3-dev).
With PYTHON: `as it is` loads and copies each tensor later, as ComfyUI does; `--disable-mmap` copies each at once, as
comfy/utils.py does under that argument; `read first` reads the file whole and hands safetensors its bytes.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from entrypoint.system.disk_speed import mapped_speed, read_speed
from tests.support.file_systems import build_passthrough, misbehaving

SIZE, TENSORS = 200 << 20, 100
DELAYS_MS = (0, 1, 5, 20)
_LOADS = """
import os, sys, time
import safetensors, safetensors.torch, torch
def fresh(path):
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)
def as_it_is(path):
    with safetensors.safe_open(path, framework="pt", device="cpu") as f:
        found = {k: f.get_tensor(k) for k in f.keys()}
    return [t.clone() for t in found.values()]
def copied(path):
    with safetensors.safe_open(path, framework="pt", device="cpu") as f:
        found = {k: f.get_tensor(k).to(device="cpu", copy=True) for k in f.keys()}
    return [t.clone() for t in found.values()]
def read_first(path):
    with open(path, "rb") as file:
        found = safetensors.torch.load(file.read())
    return [t.clone() for t in found.values()]
for load in as_it_is, copied, as_it_is, copied, read_first:
    fresh(sys.argv[1])
    began = time.monotonic()
    load(sys.argv[1])
    print(round(os.path.getsize(sys.argv[1]) / (time.monotonic() - began)))
"""


def make_file(path: Path) -> None:
    """A safetensors file of random bytes."""
    each = SIZE // TENSORS
    header = json.dumps(
        {
            f"t{i:03}": {"dtype": "U8", "shape": [each], "data_offsets": [i * each, (i + 1) * each]}
            for i in range(TENSORS)
        }
    ).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for _ in range(TENSORS):
            file.write(os.urandom(each))
        os.fsync(file.fileno())


def both_ways(path: str) -> tuple[int, int]:
    """Bytes a second by read(2), and through page faults."""
    with open(path, "rb") as file:
        return read_speed(file.fileno(), 20), mapped_speed(file.fileno(), 20)


def main(python: str, delays: Sequence[int]) -> int:
    """Print one line for each latency and way, in MB/s."""
    print(f"MB/s of a file of {SIZE >> 20} MiB, nothing of it in the page cache; median of 3")
    with tempfile.TemporaryDirectory() as folder:
        program, disk = build_passthrough(Path(folder)), Path(folder, "disk")
        disk.mkdir()
        make_file(disk / "model.safetensors")
        for delay in delays:
            with misbehaving(program, disk, Path(folder, f"slow{delay}"), delay * 1000) as mount:
                path = str(mount.folder / "model.safetensors")
                rounds = [both_ways(path) for _ in range(3)]
                read, mapped = (sorted(column)[1] / 1e6 for column in zip(*rounds, strict=True))
                print(f"{delay:3} ms a request: read(2) {read:.0f}, page faults {mapped:.0f}")
                if python:
                    rows = [
                        [int(line) for line in subprocess.check_output([python, "-I", "-c", _LOADS, path]).split()]
                        for _ in range(3)
                    ]
                    speeds = [sorted(column)[1] / 1e6 for column in zip(*rows, strict=True)]
                    print("    safetensors: as it is {:.0f}, --disable-mmap {:.0f}".format(*speeds))
                    print("    once more: as it is {2:.0f}, --disable-mmap {3:.0f}; read first {4:.0f}".format(*speeds))
    return 0


if __name__ == "__main__":
    sys.exit(main("".join(sys.argv[1:2]), [int(each) for each in sys.argv[2:]] or DELAYS_MS))
