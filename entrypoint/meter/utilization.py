"""A: how busy the GPUs are, as NVIDIA's driver says (NVML); without a driver there are no GPUs, which is no problem."""

from __future__ import annotations

from typing import Any

from entrypoint.system.bounded_call import BoundedCall, StillRunning

#: Percent of the time of a GPU's last sample (up to 1 s) that counts as work.
BUSY_PERCENT = 5
_TIMEOUT_S = 3.0


class Utilization:
    """An open NVML session: opening one costs 10 ms and more."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._had_gpus = self._has_no_driver = False
        self._call = BoundedCall(self._read)

    def read(self) -> tuple[str, str]:
        """What is at work, and why that cannot be told; each "" for nothing."""
        try:
            return self._call.run(_TIMEOUT_S)
        except StillRunning as still_running:
            return "", f"the NVIDIA driver {still_running}"

    def _read(self) -> tuple[str, str]:
        if self._has_no_driver:
            return "", ""  # it comes into a container at its start or not at all
        try:
            import pynvml
        except ImportError:
            return "", ""
        try:
            if self._nvml is None:
                pynvml.nvmlInit()
                self._nvml = pynvml
            handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
            self._had_gpus = self._had_gpus or bool(handles)
            used = [int(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu) for handle in handles]
        except pynvml.NVMLError as error:
            self._nvml = None
            missing = error.value in (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED)
            if missing and not self._had_gpus:
                self._has_no_driver = True
                return "", ""
            # MIG slices and virtual GPUs report no utilization: whether they compute cannot be told.
            return "", f"the NVIDIA driver does not say how busy the GPUs are: {error}"
        busy = [percent for percent in used if percent >= BUSY_PERCENT]
        return (f"a GPU is at work ({max(busy)} %)" if busy else ""), ""
