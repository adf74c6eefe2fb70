"""A: the GPUs as NVIDIA's driver sees them (NVML, by the package nvidia-ml-py); none is no error.

The driver's library comes into a container from the host (the NVIDIA Container Toolkit); where there is no GPU there
is no library either.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from entrypoint.status.schema import Gpu
from entrypoint.system.bounded_call import Asker, Silent

#: Seconds until a driver that was not there, or failed, is tried again.
RETRY_AFTER = 60.0


class Gpus:
    """Keeps NVML open between looks; opening it costs 10 ms and more."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._problem = ""
        self._retry_at = 0.0
        self._asker = Asker(self._look)

    def look(self, patience: float) -> tuple[tuple[Gpu, ...], str]:
        """The GPUs, and why there are none. A driver in trouble can take minutes, or for ever."""
        try:
            return self._asker.ask(patience)
        except Silent as silent:
            return (), f"the NVIDIA driver {silent}"

    def _look(self) -> tuple[tuple[Gpu, ...], str]:
        if self._nvml is None and time.monotonic() >= self._retry_at:
            self._open()
        if self._nvml is None:
            return (), self._problem
        try:
            count = self._nvml.nvmlDeviceGetCount()
            gpus = tuple(_gpu(self._nvml, index) for index in range(count))
            return gpus, "" if gpus else "the driver sees no GPU"
        except Exception as error:  # the driver was unloaded, a GPU fell off the bus
            self._close(f"the NVIDIA driver does not answer: {error}")
            return (), self._problem

    def _open(self) -> None:
        try:
            import pynvml  # half a megabyte of wrappers that most of the pod never needs
        except ImportError:
            self._close("the package nvidia-ml-py is missing")
            return
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self._close(_why_not(pynvml, error))
        else:
            self._nvml = pynvml

    def _close(self, problem: str) -> None:
        if self._nvml is not None:
            with contextlib.suppress(Exception):  # it has just failed
                self._nvml.nvmlShutdown()
        self._nvml, self._problem = None, problem
        self._retry_at = time.monotonic() + RETRY_AFTER


def _why_not(nvml: Any, error: Any) -> str:
    if error.value == nvml.NVML_ERROR_LIBRARY_NOT_FOUND:
        return "no NVIDIA driver here (libnvidia-ml.so.1 is missing)"
    return f"the NVIDIA driver can't be used: {error}"


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def ask(question: Callable[..., Any], *arguments: Any) -> Any:
        """None where this GPU does not support the question (a MIG slice, a virtual GPU)."""
        try:
            return question(handle, *arguments)
        except nvml.NVMLError:
            return None

    name = ask(nvml.nvmlDeviceGetName) or f"GPU {index}"
    use, memory = ask(nvml.nvmlDeviceGetUtilizationRates), ask(nvml.nvmlDeviceGetMemoryInfo)
    temperature = ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU)
    milliwatts = ask(nvml.nvmlDeviceGetPowerUsage)
    return Gpu(
        index=index,
        name=name.decode() if isinstance(name, bytes) else str(name),
        used_percent=None if use is None else float(use.gpu),
        memory_used_bytes=None if memory is None else int(memory.used),
        memory_size_bytes=None if memory is None else int(memory.total),
        temperature_celsius=None if temperature is None else float(temperature),
        power_watts=None if milliwatts is None else round(milliwatts / 1000, 1),
    )
