"""`podkeeper status`: the text, and the exit code."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.commands.status_text import duration, exit_code, status_text
from entrypoint.conditions.condition import Condition
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.status import schema
from entrypoint.status.snapshot import Observations, make_snapshot

NOW = 1_000_000.0


def snapshot(answers: dict[str, str | None], programs: dict[str, Any] | None = None, **others: Any) -> schema.Snapshot:
    settings = Settings(**others.pop("settings", {}))
    usual = {name: {"state": "RUNNING", "pid": 7, "started": NOW - 75} for name in ("jupyter", "comfyui", "prober")}
    observed = Observations(
        at=NOW,
        programs={"programs": usual | (programs or {})},
        processes=[],
        answers=answers,
        usage={},
        cpu=schema.Cpu(used_percent=None, cores=2),
        memory=schema.Memory(used_bytes=1 << 30, limit_bytes=8 << 30, oom_kills=0),
        **others,
    )
    return make_snapshot(settings, observed)


ALL: dict[str, str | None] = {service.name: None for service in SERVICES}
WITHOUT_COMFYUI = {name: None for name in ALL if name != "comfyui"}
CRASHED = {
    "state": "BACKOFF", "pid": 0, "started": None, "restarts": 3, "next_start": NOW + 12.34,
    "reason": "killed by SIGSEGV",
}  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "settings", "code"),
    [
        (ALL, {}, 0),
        (ALL | {"comfyui": "refused"}, {}, 3),
        (ALL | {"jupyter": "refused"}, {}, 1),
        (WITHOUT_COMFYUI, {"comfyui_enabled": False}, 0),
    ],
)
def test_the_exit_code_says_whether_all_some_or_the_first_service_respond(
    answers: dict[str, str | None], settings: dict[str, Any], code: int
) -> None:
    assert exit_code(snapshot(answers, settings=settings)) == code


def test_with_names_only_the_named_services_count() -> None:
    seen = snapshot(ALL | {"comfyui": "refused"})
    assert exit_code(seen, ("jupyter", "prober")) == 0
    assert exit_code(seen, ("comfyui",)) == 3
    assert "comfyui" not in status_text(seen, ("jupyter",))


def test_a_pending_restart_shows_its_reason_and_a_countdown() -> None:
    text = status_text(snapshot(ALL | {"comfyui": "refused"}, {"comfyui": CRASHED}))
    assert "comfyui   BACKOFF   killed by SIGSEGV; restart #4 in 12.3 s\n" in text


def test_name_state_and_uptime_are_in_the_first_columns() -> None:
    assert "jupyter   RUNNING   up 1:15, pid 7, answers at http://localhost:8189/\n" in status_text(snapshot(ALL))


def test_past_restarts_have_their_reasons() -> None:
    entry = {
        "time": NOW,
        "program": "comfyui",
        "number": 1,
        "kind": "oom",
        "reason": "out of memory",
        "uptime": 9.0,
    }
    text = status_text(snapshot(ALL, restarts={"restarts": [entry]}))
    assert "restart #1: out of memory, after 9 s" in text


def test_conditions_have_their_remedies() -> None:
    condition = Condition("GpuMissing", "no GPU can be seen", "start the pod with a GPU")
    note = Condition("NoGpu", "it computes on the CPU", "start the pod with a GPU")
    text = status_text(snapshot(ALL, conditions=((condition, NOW), (note, NOW))))
    assert "problem   GpuMissing: no GPU can be seen\n" in text
    assert "note      NoGpu: it computes on the CPU\n" in text
    assert "-> start the pod with a GPU\n" in text
    assert text.endswith("degraded: GpuMissing\n")


def test_model_downloads_have_a_share_a_rate_and_a_time_to_go() -> None:
    record = {
        "state": "running", "bytes": 10**9, "size": 4 * 10**9, "bytes_per_second": 10**8,
        "files": [{"state": "there"}, {"state": "fetching"}],
    }  # fmt: skip
    text = status_text(snapshot(ALL, models=record))
    assert "models    running: 1 of 2 files, 1.0 of 4.0 GB (25 %), 100 MB/s, 30 s to go" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (200, "3:20"), (3723, "1:02:03"), (349_320, "4 days 1:02")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_service_without_a_page_answers_without_an_address() -> None:
    lines = status_text(snapshot(ALL)).splitlines()
    (gateway,) = [line for line in lines if line.startswith("gateway")]
    assert gateway.endswith("answers")
    assert "answers at ," not in status_text(snapshot(ALL))
