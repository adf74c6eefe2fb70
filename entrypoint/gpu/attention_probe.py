"""A: launches each attention on this GPU, checks its result and times it. A script for ComfyUI's Python.

`python -I attention_probe.py`, as `probe.py`: torch and the standard library; one JSON line before every step and at
the end. The calls, their layouts and arguments are ComfyUI's (comfy/ldm/modules/attention.py, attention_pytorch and
attention_sage), `smooth_k=False` included.

JSON: step, seconds, errors, versions (torch, triton, sageattention; ""), device, uuid, and of each shape: name, tokens,
keys, heads, dim, dtype, layout, and runs: candidate -> {ms (median of CUDA events), error, cosine, gain, worst_row,
finite} or {problem}. Candidates: `sdpa` (as ComfyUI calls it), its backends alone (`flash`, `efficient`, `cudnn`), and
`sage`.

Against a float32 reference of 256 rows: `error` is |result - reference| / |reference| (2-norms), `worst_row` the same
of the worst row, `cosine` that of the angle between them, `gain` the factor by which the result is too large or too
small.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

#: name, tokens, keys, heads, head dim, dtype, layout: Wan 14B's own attention (the second one no multiple of a block's
#: 128 rows, as most videos are), Wan's on its text, Flux's, and SDXL's.
SHAPES = (
    ("Wan", 8192, 8192, 40, 128, "bfloat16", "NHD"),
    ("Wan, odd length", 4683, 4683, 40, 128, "bfloat16", "NHD"),
    ("Wan, text", 8192, 512, 40, 128, "bfloat16", "NHD"),
    ("Flux", 4608, 4608, 24, 128, "bfloat16", "HND"),
    ("SDXL", 4096, 4096, 20, 64, "float16", "NHD"),
)
BACKENDS = {"flash": "FLASH_ATTENTION", "efficient": "EFFICIENT_ATTENTION", "cudnn": "CUDNN_ATTENTION"}
#: Rows that are compared: as many of the beginning, of the end (a last block that is not full) and of between.
_ROWS = 256
#: Bytes of GPU memory that the largest shape needs with its reference, and seconds of timing for each shape.
_NEEDED, _BUDGET_S = 3 << 30, 3.0
_LONGEST = 500

FOUND: dict[str, Any] = {"step": "", "seconds": {}, "errors": {}, "versions": {}, "shapes": []}
Call = Callable[[], Any]


def main() -> None:
    """Every candidate at every shape."""
    candidates: dict[str, Any] = {}
    if step("start", lambda: start(candidates)):
        for shape in SHAPES:
            names = ("name", "tokens", "keys", "heads", "dim", "dtype", "layout")
            FOUND["shapes"].append(dict(zip(names, shape)))  # noqa: B905 - an older Python, too
            if not step(shape[0], lambda: try_shape(FOUND["shapes"][-1], candidates)):
                break
    FOUND["step"] = "done"
    emit()


def step(name: str, work: Callable[[], object]) -> bool:
    """Do one step; returns whether it succeeded, and keeps its error where not."""
    FOUND["step"] = name
    emit()
    began = time.monotonic()
    try:
        work()
    except Exception as error:
        FOUND["errors"][name] = one_line(error)
    FOUND["seconds"][name] = round(time.monotonic() - began, 3)
    return name not in FOUND["errors"]


def emit() -> None:
    """Print what is known."""
    print("\n" + json.dumps(FOUND), flush=True)


def one_line(error: Exception) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]


def start(candidates: dict[str, Any]) -> None:
    """Import torch and what can be had of the candidates."""
    for name in ("torch", "triton", "sageattention"):
        try:
            FOUND["versions"][name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            FOUND["versions"][name] = ""
    import torch

    torch.cuda.init()
    properties = torch.cuda.get_device_properties(0)
    FOUND["device"], FOUND["uuid"] = str(properties.name), str(getattr(properties, "uuid", ""))
    free = torch.cuda.mem_get_info(0)[0]
    if free < _NEEDED:
        raise MemoryError(f"only {free >> 20} MiB of GPU memory are free, {_NEEDED >> 20} are needed")
    torch.manual_seed(11)
    torch.backends.cuda.matmul.allow_tf32 = False  # the reference's products
    candidates["sdpa"] = sdpa
    for name, backend in BACKENDS.items():
        candidates[name] = lambda q, k, v, layout, backend=backend: sdpa_by(backend, q, k, v, layout)
    FOUND["step"] = "import: sage"
    emit()  # a crash is its own
    candidates["sage"] = sage()


def sdpa(q: Any, k: Any, v: Any, layout: str) -> Any:
    """PyTorch's, as attention_pytorch calls it; the result in the layout of the operands."""
    import torch

    if layout == "HND":
        return torch.nn.functional.scaled_dot_product_attention(q, k, v)
    turned = (each.transpose(1, 2) for each in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(*turned).transpose(1, 2)


def sdpa_by(backend: str, q: Any, k: Any, v: Any, layout: str) -> Any:
    """PyTorch's by one backend alone."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel([getattr(SDPBackend, backend)]):
        return sdpa(q, k, v, layout)


def sage() -> Any:
    """SageAttention, as attention_sage calls it; None where it is not installed."""
    try:
        from sageattention import sageattn
    except ModuleNotFoundError as error:
        if error.name == "sageattention":
            return None
        return raiser(error)
    except Exception as error:
        return raiser(error)

    def call(q: Any, k: Any, v: Any, layout: str) -> Any:
        return sageattn(q, k, v, is_causal=False, tensor_layout=layout, sm_scale=None, smooth_k=False)

    return call


def raiser(error: Exception) -> Any:
    """A candidate that cannot be imported, for the reason why."""

    def call(*_: Any) -> Any:
        raise error

    return call


def try_shape(found: dict[str, Any], candidates: dict[str, Any]) -> None:
    """Check all candidates that can be had at one shape, then time those that ran."""
    import torch

    q, k, v = operands(found)
    length = found["tokens"]
    third = _ROWS // 3
    spread = [third + i * (length - 2 * third) // third for i in range(third)]
    rows = torch.tensor([*range(third), *spread, *range(length - third, length)], device="cuda")
    reference = exact(found, q, k, v, rows)
    runs: dict[str, Any] = {}
    found["runs"] = runs
    for name, candidate in candidates.items():
        if candidate is None:
            continue
        FOUND["step"] = f"{found['name']}: {name}"
        emit()  # a crash is this candidate's
        try:
            began = time.monotonic()
            result = candidate(q, k, v, found["layout"])
            runs[name] = compare(by_rows(found, result, rows), reference, result)
            runs[name]["first_s"] = round(time.monotonic() - began, 3)  # with its compilation
        except Exception as error:
            runs[name] = {"problem": one_line(error)}
    ran = {name: candidates[name] for name, run in runs.items() if "problem" not in run}
    calls = {name: partial(run, q, k, v, found["layout"]) for name, run in ran.items()}
    for name, ms in milliseconds(calls).items():
        runs[name]["ms"] = ms


def operands(found: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Normal numbers, with what is hard on 8-bit kernels: scores that differ, and an offset of each of k's channels."""
    import torch

    dtype, dim = getattr(torch, found["dtype"]), found["dim"]

    def normal(tokens: int) -> Any:
        shape = (1, tokens, found["heads"], dim) if found["layout"] == "NHD" else (1, found["heads"], tokens, dim)
        return torch.randn(shape, device="cuda", dtype=torch.float32)

    one = normal(1)
    q, k, v = normal(found["tokens"]) * 1.5, normal(found["keys"]) + one, normal(found["keys"])
    return q.to(dtype), k.to(dtype), v.to(dtype)


def by_rows(found: dict[str, Any], tensor: Any, rows: Any) -> Any:
    """Some rows as float32, with the heads first."""
    if found["layout"] == "NHD":
        return tensor[:, rows].transpose(1, 2).float()
    return tensor[:, :, rows].float()


def exact(found: dict[str, Any], q: Any, k: Any, v: Any, rows: Any) -> Any:
    """These rows of the attention in float32, by its definition."""
    import torch

    if found["layout"] == "NHD":
        k, v = k.transpose(1, 2), v.transpose(1, 2)
    scores = by_rows(found, q, rows) @ k.float().transpose(-1, -2)
    return torch.softmax(scores * found["dim"] ** -0.5, -1) @ v.float()


def compare(result: Any, reference: Any, whole: Any) -> dict[str, Any]:
    """The figures of the module's docstring; a figure that is no number is left out."""
    difference = result - reference
    square = (reference * reference).sum()
    along = (result * reference).sum()
    by_row = (difference * difference).sum(-1) / (reference * reference).sum(-1)
    figures = {
        "error": ((difference * difference).sum() / square).sqrt(),
        "cosine": along / ((result * result).sum() * square).sqrt(),
        "gain": along / square,
        "worst_row": by_row.max().sqrt(),
    }
    numbers = {name: float(each) for name, each in figures.items()}
    kept = {name: round(each, 6) for name, each in numbers.items() if math.isfinite(each)}
    return {**kept, "finite": bool(whole.isfinite().all())}


def milliseconds(calls: Mapping[str, Call]) -> dict[str, float]:
    """The median of each, measured in turns: what else runs on the GPU slows all of them."""
    import torch

    measured: dict[str, list[float]] = {name: [] for name in calls}
    began = time.monotonic()
    for turn in range(9):
        for name, call in calls.items():
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")
            begin.record()
            call()
            end.record()
            end.synchronize()
            if turn >= 2:
                measured[name].append(float(begin.elapsed_time(end)))
        if turn >= 4 and time.monotonic() - began > _BUDGET_S:
            break
    return {name: round(statistics.median(each), 4) for name, each in measured.items()}


if __name__ == "__main__":
    main()
