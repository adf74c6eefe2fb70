"""A: the GPUs as NVIDIA's driver reports them (NVML, through the package nvidia-ml-py); no GPU is no error.

The driver's library comes into a container from the host (the NVIDIA Container Toolkit); where there is no GPU there
is no library either.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from entrypoint.status.schema import Gpu
from entrypoint.system.bounded_call import BoundedCall, StillRunning

#: Seconds until a driver that was missing, or failed, is tried again.
RETRY_AFTER = 60.0


class Gpus:
    """An open NVML session, reused by every read; opening one costs 10 ms and more."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._problem = ""
        self._retry_at = 0.0
        self._call = BoundedCall(self._read)

    def read(self, timeout: float) -> tuple[tuple[Gpu, ...], str]:
        """The GPUs, and why there are none. A faulty driver can take minutes, or never return."""
        try:
            return self._call.run(timeout)
        except StillRunning as still_running:
            return (), f"the NVIDIA driver {still_running}"

    def _read(self) -> tuple[tuple[Gpu, ...], str]:
        if self._nvml is None and time.monotonic() >= self._retry_at:
            self._open()
        if self._nvml is None:
            return (), self._problem
        try:
            count = self._nvml.nvmlDeviceGetCount()
            gpus = tuple(_gpu(self._nvml, index) for index in range(count))
            return gpus, "" if gpus else "the NVIDIA driver reports no GPU"
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
            self._close(_open_problem(pynvml, error))
        else:
            self._nvml = pynvml

    def _close(self, problem: str) -> None:
        if self._nvml is not None:
            with contextlib.suppress(Exception):  # NVML has just failed
                self._nvml.nvmlShutdown()
        self._nvml, self._problem = None, problem
        self._retry_at = time.monotonic() + RETRY_AFTER


def _open_problem(nvml: Any, error: Any) -> str:
    if error.value == nvml.NVML_ERROR_LIBRARY_NOT_FOUND:
        return "no NVIDIA driver (libnvidia-ml.so.1 is missing)"
    return f"the NVIDIA driver can't be used: {error}"


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def query(function: Callable[..., Any], *arguments: Any) -> Any:
        """The function's result, or None where this GPU does not support it (a MIG slice, a virtual GPU)."""
        try:
            return function(handle, *arguments)
        except nvml.NVMLError:
            return None

    name = query(nvml.nvmlDeviceGetName) or f"GPU {index}"
    use, memory = query(nvml.nvmlDeviceGetUtilizationRates), query(nvml.nvmlDeviceGetMemoryInfo)
    temperature = query(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU)
    milliwatts = query(nvml.nvmlDeviceGetPowerUsage)
    return Gpu(
        index=index,
        name=name.decode() if isinstance(name, bytes) else str(name),
        used_percent=None if use is None else float(use.gpu),
        memory_used_bytes=None if memory is None else int(memory.used),
        memory_size_bytes=None if memory is None else int(memory.total),
        temperature_celsius=None if temperature is None else float(temperature),
        power_watts=None if milliwatts is None else round(milliwatts / 1000, 1),
    )
