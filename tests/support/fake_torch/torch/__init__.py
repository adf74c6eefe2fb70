"""A stand-in for torch: a tensor is one number, and what it costs goes onto a clock of its own.

What it simulates is in `torch/mode.json` beside it: see `MODE`.
"""

from __future__ import annotations

import json
import math
import os
import pathlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

__version__ = "2.10.0+cu128"

#: `fails`: `no cuda`, `init`, `abort`, `hang`, `wrong`, `nan`, `differs`; the rest are a healthy RTX 4090.
MODE: dict[str, Any] = {
    "fails": "", "name": "NVIDIA GeForce RTX 4090", "capability": [8, 9],
    "archs": ["sm_80", "sm_86", "sm_90", "sm_120"],
    "free": 23 << 30, "total": 24 << 30, "product_ms": 7.0, "copy_ms": 10.0, "sdpa_ms": 10.0, "sdpa_factor": 1.0,
}  # fmt: skip
MODE |= json.loads((pathlib.Path(__file__).parent / "mode.json").read_text())
CLOCK = SimpleNamespace(ms=0.0, products=0)

bfloat16 = float16 = float32 = uint8 = None
backends = SimpleNamespace(cuda=SimpleNamespace(matmul=SimpleNamespace()))


def spend(ms: float) -> None:
    """Move the GPU's clock."""
    CLOCK.ms += ms


class Tensor:
    """One number on a device; what only changes the shape changes nothing."""

    def __init__(self, value: float, device: str = "cpu") -> None:
        self.value, self.device = value, device

    def _number(self, other: Any) -> float:
        return other.value if isinstance(other, Tensor) else float(other)

    def _new(self, value: float) -> Tensor:
        return Tensor(value, self.device)

    def __matmul__(self, other: Tensor) -> Tensor:
        return self._new(self.value * other.value * (product() if self.device != "cpu" else 1.0))

    def __mul__(self, other: Any) -> Tensor:
        return self._new(self.value * self._number(other))

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Tensor:
        return self._new(self.value + self._number(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        return self._new(self.value - self._number(other))

    def __truediv__(self, other: Any) -> Tensor:
        number = self._number(other)
        return self._new(self.value / number if number else math.nan)

    def __mod__(self, other: Any) -> Tensor:
        return self

    def __getitem__(self, index: Any) -> Tensor:
        return self

    def __float__(self) -> float:
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)

    def cpu(self) -> Tensor:
        return Tensor(self.value)

    def abs(self) -> Tensor:
        return self._new(abs(self.value))

    def sqrt(self) -> Tensor:
        return self._new(math.sqrt(self.value))

    def isfinite(self) -> Tensor:
        return self._new(float(math.isfinite(self.value)))

    def _same(self, *_: Any, **__: Any) -> Tensor:
        return self

    double = float = to = transpose = sum = max = all = _same

    def copy_(self, *_: Any, **__: Any) -> Tensor:
        spend(MODE["copy_ms"])
        return self


def product() -> float:
    """What a product on the GPU costs and is multiplied by."""
    spend(MODE["product_ms"])
    CLOCK.products += 1
    if MODE["fails"] == "abort":
        os.abort()
    while MODE["fails"] == "hang":
        time.sleep(1)
    factors = {"wrong": 1.5, "nan": math.nan, "differs": 1.0 + CLOCK.products / 1e6}
    return float(factors.get(str(MODE["fails"]), 1.0))


def randn(*_: Any, device: str = "cpu", **__: Any) -> Tensor:
    return Tensor(1.0, device)


def empty(*_: Any, device: str = "cpu", **__: Any) -> Tensor:
    return Tensor(1.0, device)


def arange(*_: Any, **__: Any) -> Tensor:
    return Tensor(1.0)


tensor = arange


def mm(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    return left @ right


def equal(one: Tensor, other: Tensor) -> bool:
    return one.value == other.value


def softmax(*_: Any, **__: Any) -> Tensor:
    return Tensor(1.0)


def manual_seed(_: int) -> None:
    """Nothing is random here."""


class Event:
    """A reading of the GPU's clock."""

    def __init__(self, **_: Any) -> None:
        self.ms = 0.0

    def record(self) -> None:
        self.ms = CLOCK.ms

    def synchronize(self) -> None:
        """Everything is done at once."""

    def elapsed_time(self, end: Event) -> float:
        return end.ms - self.ms


@contextmanager
def _device(_: int) -> Iterator[None]:
    yield


def _init() -> None:
    if MODE["fails"] == "no cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    if MODE["fails"] == "init":
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 12020).")


def _properties(_: int) -> SimpleNamespace:
    major, minor = MODE["capability"]
    return SimpleNamespace(name=MODE["name"], uuid="aaaa", major=major, minor=minor)


version = SimpleNamespace(cuda=None if MODE["fails"] == "no cuda" else "12.8", hip=None)
cuda = SimpleNamespace(
    init=_init, device_count=lambda: 1, get_device_properties=_properties, device=_device, Event=Event,
    mem_get_info=lambda _: (MODE["free"], MODE["total"]), get_arch_list=lambda: MODE["archs"],
    synchronize=lambda _: None,
)  # fmt: skip

from torch import nn as nn  # noqa: E402 - it needs what is above
