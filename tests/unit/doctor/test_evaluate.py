"""What was seen -> verdict. What no test pod can be made to show (clocks, drivers, memory) is told here."""

from typing import Any

import pytest

from entrypoint.doctor import evaluate_jupyter, evaluate_machine, evaluate_services
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system.attach import Pod


def pod(**settings: Any) -> Pod:
    made = Settings(home="/pod", **settings)
    facts = Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/usr/bin/python")
    return Pod(settings=made, paths=locate(made, facts), environ={}, supervisord=1)


@pytest.mark.parametrize(
    ("now", "volume", "state"),
    [(1e9, 1e9 + 1, "ok"), (1e9, 0.0, "ok"), (1e9, 1e9 - 500, "warning"), (1e9 - 90_000, 1e9, "failed")],
)
def test_clock(now: float, volume: float, state: str) -> None:
    (verdict,) = evaluate_machine.clock({"now": now, "volume": volume, "built": 1e9}, pod())
    assert verdict.state == state


@pytest.mark.parametrize(
    ("limit", "used", "kills", "state"),
    [(0, 10, 0, "ok"), (100, 50, 0, "ok"), (100, 96, 0, "warning"), (100, 50, 2, "warning")],
)
def test_memory(limit: int, used: int, kills: int, state: str) -> None:
    mib = 1 << 20
    (verdict,) = evaluate_machine.memory({"limit": limit * mib, "used": used * mib, "oom_kills": kills}, pod())
    assert verdict.state == state


@pytest.mark.parametrize(
    ("room", "state", "words"),
    [
        ([50 << 30, 100 << 30, 9], "ok", "51200 MiB free"),
        ([1 << 20, 100 << 30, 9], "failed", "1 MiB free"),
        ([900 << 20, 100 << 30, 9], "warning", "900 MiB free"),
        ([900 << 20, 2 << 30, -1], "ok", "900 MiB free"),
        ([50 << 30, 100 << 30, 0], "failed", "no inodes left"),
    ],
)
def test_disk(room: list[int], state: str, words: str) -> None:
    (verdict,) = evaluate_machine.disk({"rooms": {"/comfyui": room}}, pod())
    assert (verdict.state, words in verdict.text) == (state, True)


H100 = ["NVIDIA H100", "550.54", "12.4"]


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        ({"computes_on": "cuda", "torch": "2.8.0+cu128"}, "ok", "NVIDIA H100, driver 550.54"),
        ({"computes_on": "cpu", "torch": "2.8.0+cu128"}, "failed", "needs CUDA 12.8, the driver offers 12.4"),
        (
            {"usable": False, "torch": "2.8.0", "built_for": "13.0"},
            "failed",
            "needs CUDA 13.0, the driver offers",
        ),
        ({"usable": False, "torch": "2.8.0+cpu", "built_for": ""}, "failed", "is built without CUDA"),
        ({"usable": False, "torch": "2.5.0", "built_for": "12.1"}, "failed", "can't use it"),
        ({"usable": True, "torch": "2.5.0", "built_for": "12.1"}, "ok", "used by torch 2.5.0"),
        ({"torch_problem": "OSError: gone"}, "failed", "torch is not: OSError"),
    ],
)
def test_gpu_driver_and_torch(seen: dict[str, Any], state: str, words: str) -> None:
    (verdict,) = evaluate_machine.gpu({"visible": True, "promised": "1", "driver": H100, **seen}, pod())
    assert (verdict.state, words in verdict.text) == (state, True), verdict


def test_a_missing_gpu_is_a_failure_only_where_one_was_promised() -> None:
    seen = {"visible": False, "driver": []}
    assert evaluate_machine.gpu({**seen, "promised": "0"}, pod())[0].state == "warning"
    assert evaluate_machine.gpu({**seen, "promised": "2"}, pod())[0].state == "failed"
    assert evaluate_machine.gpu({**seen, "promised": "2"}, pod(comfyui_args=("--cpu",)))[0].state == "skipped"
    assert evaluate_machine.gpu({**seen, "promised": "2"}, pod(comfyui_enabled=False))[0].state == "skipped"


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ({"api": 403}, "ServerApp.allow_remote_access does not hold"),
        ({"any_origin": False}, "ServerApp.allow_origin does not hold"),
        ({"cookie": "podkeeper-login"}, "ServerApp.trust_xheaders does not hold"),
        ({"upload": 403}, "ServerApp.disable_check_xsrf does not hold"),
        ({"without_login": 200}, "everybody gets in"),
        ({"foreign_page": 200}, "the origin guard does not hold"),
        ({"token": 403}, "the token of this pod is refused"),
        ({"own_page": 403}, "the login's cookie is not accepted"),
        ({"upload": 507, "upload_by_token": 507}, "an upload is refused (507)"),
    ],
)
def test_what_the_running_server_does_tells_which_setting_does_not_hold(statuses: dict[str, Any], words: str) -> None:
    well = {
        "api": 200, "any_origin": True, "without_login": 403, "token": 200, "cookie": "__Host-podkeeper",
        "host": "x", "own_page": 200, "rewritten_host": {}, "foreign_page": 403, "upload": 201,
        "upload_by_token": 201,
    }  # fmt: skip
    assert [v.state for v in evaluate_jupyter.server(well, pod())] == ["ok"]
    verdicts = evaluate_jupyter.server(well | statuses, pod())
    assert words in verdicts[0].text
    assert verdicts[0].state == "failed"


def test_a_crash_loop_names_its_last_reason_and_the_next_start() -> None:
    crash = {"program": "comfyui", "kind": "signal", "reason": "killed by SIGSEGV"}
    running = {name: {"state": "RUNNING"} for name in ("prober", "logs", *(service.name for service in SERVICES))}
    backoff = running | {"comfyui": {"state": "BACKOFF", "next_start": 112.0}}
    seen = {"now": 100.0, "programs": backoff, "restarts": [crash, crash]}
    (verdict,) = evaluate_services.programs(seen, pod())
    assert "killed by SIGSEGV" in verdict.text
    assert "next start in 12 s" in verdict.text
    seen = {"now": 100.0, "programs": running, "restarts": [crash | {"kind": "operator"}] * 9}
    assert [v.state for v in evaluate_services.programs(seen, pod())] == ["ok"]
    seen = {"now": 100.0, "programs": running, "restarts": [crash]}
    assert [v.state for v in evaluate_services.programs(seen, pod())] == ["warning"]


@pytest.mark.parametrize(
    ("row", "running", "state"),
    [
        (["0.0.0.0", 7, "python", True], True, "ok"),
        (["0.0.0.0", 7, "nginx", False], True, "failed"),
        (["0.0.0.0", 0, "", False], True, "ok"),  # nginx as www-data, seen by root without CAP_SYS_PTRACE
        (["0.0.0.0", 0, "", False], False, "failed"),
        (["127.0.0.1", 7, "python", True], True, "failed"),
    ],
)
def test_whose_a_port_is(row: list[Any], running: bool, state: str) -> None:
    seen = {"listeners": {8189: [row]}, "running": ["jupyter"] if running else []}
    assert evaluate_services.ports(seen, pod())[0].state == state
