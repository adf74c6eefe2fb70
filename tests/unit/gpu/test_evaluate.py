"""Facts about the GPUs -> findings. Whole hosts are in tests/process/gpu/."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.gpu.evaluate import GIB, Facts, evaluate
from entrypoint.gpu.findings import Finding
from entrypoint.gpu.smi import Card

CARD = Card(
    name="NVIDIA H100 80GB HBM3", uuid="GPU-1", memory_used=GIB, memory_total=80 * GIB, generation=5, max_generation=5,
    width=16, max_width=16, uncorrectable=0,
)  # fmt: skip
DEVICE: dict[str, Any] = {
    "index": 0, "name": "NVIDIA H100 80GB HBM3", "uuid": "1", "capability": [9, 0], "worst": 0.5, "repeats": True,
    "tflops": 700.0, "to_device": 55.0, "from_device": 54.0,
}  # fmt: skip
FOUND: dict[str, Any] = {
    "step": "done", "seconds": {"start CUDA": 0.2}, "errors": {}, "torch": "2.11.0+cu130", "cuda": "13.0", "hip": "",
    "archs": ["sm_80", "sm_90"], "count": 1, "devices": [DEVICE],
}  # fmt: skip


def of(found: dict[str, Any] | None = None, device: dict[str, Any] | None = None, **facts: Any) -> list[Finding]:
    content = FOUND | (found or {})
    if device is not None:
        content["devices"] = [DEVICE | device]
    usual: dict[str, Any] = {"driver": "580.95.05", "idle": (CARD,), "loaded": (CARD,), "comfyui_memory": 0}
    return evaluate(Facts(found=content, **(usual | facts)))


def by(check: str, findings: list[Finding]) -> Finding:
    (found,) = [finding for finding in findings if finding.check == check]
    return found


def test_a_good_host_has_only_good_findings() -> None:
    findings = of()
    assert {finding.state for finding in findings} == {"ok"}
    assert [each.check for each in findings] == [
        "driver", "cuda", "architecture", "result", "speed", "copies", "memory", "errors",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cuda", "driver", "errors", "state", "condition"),
    [
        ("13.0", "580.65.06", {}, "ok", ""),
        ("13.0", "570.133.20", {"start CUDA": "too old"}, "failed", "GpuDriverOld"),
        ("13.0", "570.133.20", {}, "failed", "GpuDriverOld"),
        ("12.8", "550.54.14", {}, "warning", ""),  # minor version compatibility
        ("12.8", "550.54.14", {"start CUDA": "x"}, "failed", "GpuDriverOld"),
        ("12.8", "470.82.01", {"start CUDA": "x"}, "failed", "GpuDriverOld"),
    ],
)
def test_the_driver(cuda: str, driver: str, errors: dict[str, str], state: str, condition: str) -> None:
    finding = by("driver", of({"cuda": cuda, "errors": errors}, driver=driver))
    assert (finding.state, finding.condition) == (state, condition)


def test_an_unknown_driver_or_cuda_is_not_evaluated() -> None:
    assert of(driver="")[0].check == "cuda"
    assert of({"cuda": "14.0"})[0].check == "cuda"


def test_a_crash_is_reported_alone_with_its_step() -> None:
    findings = of(ended="was ended by SIGSEGV in the step 'GPU 0 product'", loaded=())
    finding = by("cuda", findings)
    assert finding.condition == "GpuUnusable"
    assert finding.text == "CUDA does not work on NVIDIA H100 80GB HBM3: the check was ended by SIGSEGV in the step " \
        "'GPU 0 product'"  # fmt: skip
    assert "speed" not in [each.check for each in findings]


def test_a_gpu_whose_memory_is_in_use_is_not_broken() -> None:
    findings = of({"errors": {"GPU 0 product": "OutOfMemoryError: CUDA out of memory"}}, {"worst": None})
    assert [each.state for each in findings if each.check == "result" and "busy" in each.text] == ["skipped"]


def test_an_error_of_one_gpu_does_not_count_for_another() -> None:
    found = {"count": 11, "errors": {"GPU 10 speed": "RuntimeError: CUDA error: uncorrectable ECC error"}}
    found["devices"] = [DEVICE | {"index": 1}, DEVICE | {"index": 10}]
    failed = [each for each in of(found) if each.state == "failed"]
    assert len(failed) == 1
    assert "uncorrectable ECC error" in failed[0].text


def test_rocm_is_not_checked() -> None:
    assert by("cuda", of({"hip": "6.4", "cuda": "", "devices": []})).state == "skipped"


@pytest.mark.parametrize(
    ("tflops", "name", "state"),
    [
        (396, "NVIDIA H100 80GB HBM3", "ok"), (395, "NVIDIA H100 80GB HBM3", "warning"), (35, "NVIDIA L4", "ok"),
        (1, "Unknown Card", "ok"),
    ],
)  # fmt: skip
def test_the_speed_is_compared_with_the_model(tflops: float, name: str, state: str) -> None:
    assert by("speed", of(device={"tflops": tflops, "name": name})).state == state


@pytest.mark.parametrize(
    ("used", "comfyui", "state"),
    [(9, 0, "ok"), (10, 0, "warning"), (60, 58 * GIB, "ok"), (60, 40 * GIB, "warning")],
)
def test_comfyuis_own_memory_is_not_another_processs(used: int, comfyui: int, state: str) -> None:
    card = Card(name="H100", uuid="GPU-1", memory_used=used * GIB, memory_total=80 * GIB)
    assert by("memory", of(idle=(card,), comfyui_memory=comfyui)).state == state


def test_memory_is_not_evaluated_where_comfyui_does_not_respond() -> None:
    assert "memory" not in [each.check for each in of(comfyui_memory=None)]


@pytest.mark.parametrize("found", [{}, {"devices": 3, "errors": [], "count": "x"}, {"devices": [3, None]}])
def test_any_content_gives_findings(found: dict[str, Any]) -> None:
    assert evaluate(Facts(found=found))
