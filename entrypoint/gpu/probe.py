"""A: measures the GPUs. A script for ComfyUI's Python: it needs torch and the standard library, nothing of podkeeper.

`python -I probe.py`. CUDA may hang or end the process, so `run_probe` gives it a deadline, and the script prints what
it knows as one JSON line before every step and at the end: the last line counts, and its `step` says where it ended.

JSON: step (`done` at the end), seconds (step -> s), errors (step -> text), torch, cuda ("": built without), hip, archs,
count, devices, smi (`nvidia-smi -q -x` under load, because an idle link and idle clocks are slow), and of each device:
name, uuid, capability ([major, minor]), memory_free and memory_total (bytes), worst (the largest error of a bf16
product by what rounding explains: at most 1 where the card computes right; null: not a number), repeats (whether a
second product has the same bits), tflops (bf16, dense, 1e12/s), to_device and from_device (pinned memory, 1e9 bytes/s).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

#: Rows and columns of the product; it takes 3 * 2 bytes each. Smaller where the memory is in use.
_SIZE, _SMALL_SIZE = 8192, 2048
_NEEDED, _SMALL_NEEDED = 1 << 30, 128 << 20
_COPIED = 256 << 20
_SAMPLES = 64
#: Seconds after which no further GPU is measured, and that nvidia-smi may take.
_BUDGET_S, _SMI_S = 6.0, 3.0
_LONGEST = 500

FOUND: dict[str, Any] = {"step": "", "seconds": {}, "errors": {}, "devices": []}
Work = Callable[[], object]


def main() -> None:
    """Take the steps; one that fails ends what depends on it alone."""
    began = time.monotonic()
    load: list[Work] = []
    if step("torch", load_torch) and step("start CUDA", start_cuda):
        for index in range(min(FOUND["count"], 8)):
            FOUND["devices"].append({"index": index})
            if time.monotonic() - began - FOUND["seconds"]["torch"] < _BUDGET_S or not index:
                measure(index, load)
        if load:
            step("load", lambda: FOUND.update(smi=smi_under_load(load)))
    FOUND["step"] = "done"
    emit()


def step(name: str, work: Work) -> bool:
    """Do one step; returns whether it succeeded, and keeps its error where not."""
    FOUND["step"] = name
    emit()
    began = time.monotonic()
    try:
        work()
    except Exception as error:
        FOUND["errors"][name] = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
    FOUND["seconds"][name] = round(time.monotonic() - began, 3)
    return name not in FOUND["errors"]


def emit() -> None:
    """Print what is known."""
    print("\n" + json.dumps(FOUND), flush=True)


def load_torch() -> None:
    """Import torch, and say what it is built for."""
    import torch

    FOUND["torch"] = str(torch.__version__)
    FOUND["cuda"] = torch.version.cuda or ""
    FOUND["hip"] = getattr(torch.version, "hip", None) or ""
    FOUND["archs"] = list(torch.cuda.get_arch_list()) if FOUND["cuda"] else []


def start_cuda() -> None:
    """Initialise CUDA, which raises a reason where it cannot be; `is_available` would hide it."""
    import torch

    torch.cuda.init()
    FOUND["count"] = int(torch.cuda.device_count())
    FOUND["archs"] = list(torch.cuda.get_arch_list())  # empty before, where no GPU is visible


def measure(index: int, load: list[Work]) -> None:
    """All that is measured of one GPU; adds to `load` what keeps it busy."""
    found: dict[str, Any] = FOUND["devices"][index]
    if not step(f"GPU {index}", lambda: describe(index, found)):
        return
    operands: list[Any] = []
    if step(f"GPU {index} product", lambda: operands.extend(check_product(index, found))):
        step(f"GPU {index} speed", lambda: time_product(operands, found))
        left, right, out = operands
        load.append(lambda: multiply(left, right, out))
    step(f"GPU {index} copies", lambda: load.append(time_copies(index, found)))


def describe(index: int, found: dict[str, Any]) -> None:
    """Name, architecture and memory; the first call that makes a context on the GPU."""
    import torch

    properties = torch.cuda.get_device_properties(index)
    found["name"], found["uuid"] = str(properties.name), str(getattr(properties, "uuid", ""))
    found["capability"] = [int(properties.major), int(properties.minor)]
    found["memory_free"], found["memory_total"] = (int(each) for each in torch.cuda.mem_get_info(index))


def check_product(index: int, found: dict[str, Any]) -> list[Any]:
    """Multiply two bf16 matrices and compare 64 x 64 elements, spread over all tiles, with float64 on the CPU.

    The operands are exact in float64. What may differ: rounding the result to bf16 (half a unit in the last place,
    2**-9 of it, doubled here), and adding up K products in float32 with the tensor cores' truncation, which is below
    2**-10 of the typical size sqrt(K) of an element of this product of normal numbers.
    """
    import torch

    size = _SIZE if found["memory_free"] >= _NEEDED else _SMALL_SIZE
    if found["memory_free"] < _SMALL_NEEDED:
        raise MemoryError(f"only {found['memory_free'] >> 20} MiB of GPU memory are free")
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False  # else split sums are rounded to bf16
    torch.manual_seed(7)
    device = f"cuda:{index}"
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in "ab")
    product = left @ right
    stride = size // _SAMPLES
    picked = torch.arange(_SAMPLES, device=device) * stride + torch.arange(_SAMPLES, device=device) % stride
    result = product[picked][:, picked].cpu().double()
    reference = left[picked].cpu().double() @ right[:, picked].cpu().double()
    allowed = reference.abs() * 2**-8 + 2**-10 * size**0.5
    worst = float(((result - reference).abs() / allowed).max())
    found["size"], found["worst"] = size, round(worst, 4) if worst == worst and worst < 1e9 else None
    found["repeats"] = bool(torch.equal(product, left @ right))
    return [left, right, product]


def multiply(left: Any, right: Any, out: Any) -> None:
    """One product, without an allocation."""
    import torch

    torch.mm(left, right, out=out)


def time_product(operands: list[Any], found: dict[str, Any]) -> None:
    """The speed of that product."""
    left, right, out = operands
    seconds = milliseconds(found["index"], lambda: multiply(left, right, out), 9) / 1000
    found["tflops"] = round(2 * found["size"] ** 3 / seconds / 1e12, 1)


def time_copies(index: int, found: dict[str, Any]) -> Work:
    """The speed of copies between pinned memory and the GPU; returns one copy."""
    import torch

    host = torch.empty(_COPIED, dtype=torch.uint8, pin_memory=True)
    device = torch.empty(_COPIED, dtype=torch.uint8, device=f"cuda:{index}")

    def to_device() -> None:
        device.copy_(host, non_blocking=True)

    for name, copy in (("to_device", to_device), ("from_device", lambda: host.copy_(device, non_blocking=True))):
        found[name] = round(_COPIED / milliseconds(index, copy, 5) / 1e6, 2)
    return to_device


def milliseconds(index: int, work: Work, times: int) -> float:
    """The median by CUDA events, after a warm-up in which the clocks rise."""
    import torch

    measured = []
    with torch.cuda.device(index):
        for turn in range(times + 3):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")
            begin.record()
            work()
            end.record()
            end.synchronize()
            if turn >= 3:
                measured.append(float(begin.elapsed_time(end)))
    return statistics.median(measured)


def smi_under_load(load: list[Work]) -> str:
    """What nvidia-smi says while the GPUs are busy; "" where there is none, or it takes too long."""
    import torch

    with tempfile.TemporaryFile() as output:  # no pipe: eight GPUs' XML would fill it
        try:
            smi = subprocess.Popen(["nvidia-smi", "-q", "-x"], stdout=output, stderr=subprocess.DEVNULL)  # noqa: S607
        except OSError:
            return ""
        deadline = time.monotonic() + _SMI_S
        while smi.poll() is None and time.monotonic() < deadline:
            for work in load:
                work()
            for found in FOUND["devices"]:
                if "name" in found:
                    torch.cuda.synchronize(found["index"])
        if smi.poll() is None:
            smi.kill()
            return ""
        output.seek(0)
        return output.read(1 << 20).decode(errors="replace")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
