"""The doctor's findings about programs and ports."""

from typing import Any

import pytest

from entrypoint.doctor import evaluate_services
from entrypoint.settings.services import SERVICES
from tests.support.attached_pod import pod


def test_a_crash_loop_names_its_last_reason_and_the_next_start() -> None:
    crash = {"program": "comfyui", "kind": "signal", "reason": "killed by SIGSEGV"}
    running = {
        name: {"state": "RUNNING"}
        for name in ("prober", "logs", "sshd", "webhooks", *(service.name for service in SERVICES))
    }
    backoff = running | {"comfyui": {"state": "BACKOFF", "next_start": 112.0}}
    facts = {"now": 100.0, "programs": backoff, "restarts": [crash, crash]}
    (finding,) = evaluate_services.programs(facts, pod())
    assert "killed by SIGSEGV" in finding.text
    assert "next start in 12 s" in finding.text
    facts = {"now": 100.0, "programs": running, "restarts": [crash | {"kind": "operator"}] * 9}
    assert [each.state for each in evaluate_services.programs(facts, pod())] == ["ok"]
    facts = {"now": 100.0, "programs": running, "restarts": [crash]}
    assert [each.state for each in evaluate_services.programs(facts, pod())] == ["warning"]


@pytest.mark.parametrize(
    ("row", "running", "state"),
    [
        (["0.0.0.0", 7, "python", True], True, "ok"),
        (["0.0.0.0", 7, "nginx", False], True, "failed"),
        (["0.0.0.0", 0, "", False], True, "ok"),  # nginx as www-data, seen by root without CAP_SYS_PTRACE
        (["0.0.0.0", 0, "", False], False, "failed"),
        (["127.0.0.1", 7, "python", True], True, "ok"),
    ],
)
def test_who_listens_on_a_port(row: list[Any], running: bool, state: str) -> None:
    facts = {"listeners": {8189: [row]}, "running": ["gateway"] if running else []}
    assert evaluate_services.ports(facts, pod())[0].state == state
