"""GPU figures, with a stand-in for NVIDIA's driver."""

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from entrypoint.status.gpus import Gpus


class NVMLError(Exception):
    """As pynvml's."""

    def __init__(self, value: int) -> None:
        super().__init__("Not Supported" if value == 3 else f"error {value}")
        self.value = value


class Driver:
    """As much of pynvml as is used. `broken`: function name -> error."""

    NVMLError = NVMLError
    NVML_ERROR_LIBRARY_NOT_FOUND = 12
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, **broken: int) -> None:
        self.broken = broken
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        answers = {
            "nvmlInit": None,
            "nvmlShutdown": None,
            "nvmlDeviceGetCount": 2,
            "nvmlDeviceGetHandleByIndex": 0,
            "nvmlDeviceGetName": "NVIDIA H200",
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=83),
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=5, total=9),
            "nvmlDeviceGetTemperature": 61,
            "nvmlDeviceGetPowerUsage": 351_250,
        }

        def answer(*_: Any) -> Any:
            self.calls.append(name)
            if name in self.broken:
                raise NVMLError(self.broken[name])
            return answers[name]

        return answer


def read_with(monkeypatch: pytest.MonkeyPatch, driver: Any) -> tuple[Gpus, Any]:
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    gpus = Gpus()
    return gpus, gpus.read(5)


def test_every_gpu_with_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    _, (found, problem) = read_with(monkeypatch, Driver())
    assert problem == ""
    assert [gpu.index for gpu in found] == [0, 1]
    assert (found[0].name, found[0].used_percent, found[0].power_watts) == ("NVIDIA H200", 83.0, 351.2)
    assert (found[0].memory_used_bytes, found[0].memory_size_bytes, found[0].temperature_celsius) == (
        5,
        9,
        61.0,
    )


def test_a_value_that_the_gpu_does_not_report_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A MIG slice has no utilisation."""
    _, (found, problem) = read_with(monkeypatch, Driver(nvmlDeviceGetUtilizationRates=3, nvmlDeviceGetPowerUsage=3))
    assert problem == ""
    assert (found[0].used_percent, found[0].power_watts, found[0].memory_used_bytes) == (None, None, 5)


@pytest.mark.parametrize(
    ("driver", "words"),
    [
        (Driver(nvmlInit=12), "no NVIDIA driver ("),
        (Driver(nvmlInit=9), "the NVIDIA driver can't be used"),
        (Driver(nvmlDeviceGetCount=15), "the NVIDIA driver does not answer"),
        (Driver(nvmlDeviceGetHandleByIndex=15), "the NVIDIA driver does not answer"),
        (None, "nvidia-ml-py is missing"),
    ],
)
def test_no_gpu_is_a_reason_and_not_an_error(monkeypatch: pytest.MonkeyPatch, driver: Any, words: str) -> None:
    _, (found, problem) = read_with(monkeypatch, driver)
    assert found == ()
    assert words in problem


def test_a_hung_driver_is_reported_and_does_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    driver, goes_on = Driver(), threading.Event()
    monkeypatch.setattr(driver, "nvmlDeviceGetCount", lambda: goes_on.wait(30) and 2, raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    gpus = Gpus()
    assert gpus.read(0.01) == ((), "the NVIDIA driver has not answered for 0 s")
    goes_on.set()
    assert len(gpus.read(20)[0]) == 2


def test_a_missing_driver_is_not_queried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(nvmlInit=12)
    gpus, _ = read_with(monkeypatch, driver)
    assert "no NVIDIA driver" in gpus.read(5)[1]
    assert driver.calls.count("nvmlInit") == 1
