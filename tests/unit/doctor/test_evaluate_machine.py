"""The doctor's findings about clock, memory, disk and GPU, which no test pod can be made to show."""

from typing import Any

import pytest

from entrypoint.doctor import evaluate_machine
from tests.support.attached_pod import pod


@pytest.mark.parametrize(
    ("now", "volume", "state"),
    [(1e9, 1e9 + 1, "ok"), (1e9, 0.0, "ok"), (1e9, 1e9 - 500, "warning"), (1e9 - 90_000, 1e9, "failed")],
)
def test_clock(now: float, volume: float, state: str) -> None:
    (finding,) = evaluate_machine.clock({"now": now, "volume": volume, "built": 1e9}, pod())
    assert finding.state == state


@pytest.mark.parametrize(
    ("limit", "used", "kills", "state"),
    [(0, 10, 0, "ok"), (100, 50, 0, "ok"), (100, 96, 0, "warning"), (100, 50, 2, "warning")],
)
def test_memory(limit: int, used: int, kills: int, state: str) -> None:
    mib = 1 << 20
    (finding,) = evaluate_machine.memory({"limit": limit * mib, "used": used * mib, "oom_kills": kills}, pod())
    assert finding.state == state


@pytest.mark.parametrize(
    ("space", "state", "words"),
    [
        ([50 << 30, 100 << 30, 9], "ok", "51200 MiB free"),
        ([1 << 20, 100 << 30, 9], "failed", "1 MiB free"),
        ([900 << 20, 100 << 30, 9], "warning", "900 MiB free"),
        ([900 << 20, 2 << 30, -1], "ok", "900 MiB free"),
        ([50 << 30, 100 << 30, 0], "failed", "no inodes left"),
    ],
)
def test_disk(space: list[int], state: str, words: str) -> None:
    (finding,) = evaluate_machine.disk({"disks": {"/comfyui": space}}, pod())
    assert (finding.state, words in finding.text) == (state, True)


H100 = ["NVIDIA H100", "550.54", "12.4"]


@pytest.mark.parametrize(
    ("facts", "state", "words"),
    [
        ({"computes_on": "cuda", "torch": "2.8.0+cu128"}, "ok", "NVIDIA H100, driver 550.54"),
        ({"computes_on": "cpu", "torch": "2.8.0+cu128"}, "failed", "needs CUDA 12.8, the driver offers 12.4"),
        (
            {"usable": False, "torch": "2.8.0", "built_for": "13.0"},
            "failed",
            "needs CUDA 13.0, the driver offers",
        ),
        ({"usable": False, "torch": "2.8.0+cpu", "built_for": ""}, "failed", "is built without CUDA"),
        ({"usable": False, "torch": "2.5.0", "built_for": "12.1"}, "failed", "cannot use it"),
        ({"usable": True, "torch": "2.5.0", "built_for": "12.1"}, "ok", "used by torch 2.5.0"),
        ({"torch_problem": "OSError: gone"}, "failed", "torch cannot be loaded: OSError"),
    ],
)
def test_gpu_driver_and_torch(facts: dict[str, Any], state: str, words: str) -> None:
    (finding,) = evaluate_machine.gpu({"visible": True, "promised": "1", "driver": H100, **facts}, pod())
    assert (finding.state, words in finding.text) == (state, True), finding


def test_a_missing_gpu_is_a_failure_only_where_one_was_promised() -> None:
    facts = {"visible": False, "driver": []}
    assert evaluate_machine.gpu({**facts, "promised": "0"}, pod())[0].state == "warning"
    assert evaluate_machine.gpu({**facts, "promised": "2"}, pod())[0].state == "failed"
    assert evaluate_machine.gpu({**facts, "promised": "2"}, pod(comfyui_args=("--cpu",)))[0].state == "skipped"
    assert evaluate_machine.gpu({**facts, "promised": "2"}, pod(comfyui_enabled=False))[0].state == "skipped"


def row(state: str, check: str = "speed", condition: str = "") -> dict[str, str]:
    return {"check": check, "state": state, "text": f"{check} is {state}", "remedy": "r", "condition": condition}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], [("skipped", "the GPU was not checked yet; check it now: podkeeper gpu --again", "")]),
        ([row("ok"), row("ok", "driver")], [("ok", "speed is ok", "")]),
        ([row("skipped", "cuda")], [("skipped", "cuda is skipped", "")]),
        (
            [row("ok"), row("warning", "errors", "GpuFaulty"), row("failed", "result", "GpuComputesWrong")],
            [("warning", "errors is warning", "GpuFaulty"), ("failed", "result is failed", "GpuComputesWrong")],
        ),
    ],
)
def test_the_check_of_the_gpu(rows: list[dict[str, str]], expected: list[tuple[str, str, str]]) -> None:
    found = evaluate_machine.gpu_check({"findings": rows}, pod())
    assert [(each.state, each.text, each.condition) for each in found] == expected
