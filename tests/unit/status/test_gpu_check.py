"""The snapshot's field `gpu_check`."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.status.gpu_check import gpu_check
from entrypoint.status.schema import GpuCheck


def row(check: str, state: str, text: str) -> dict[str, str]:
    return {"check": check, "state": state, "text": text, "remedy": "", "condition": ""}


@pytest.mark.parametrize(
    ("findings", "state", "text"),
    [
        (
            [row("driver", "ok", "d"), row("speed", "ok", "95%\nof"), row("attention", "ok", "a")],
            "ok",
            "95% of; a",
        ),
        ([row("cuda", "ok", "c"), row("disk", "ok", "/v writes 9 MB/s")], "ok", "/v writes 9 MB/s"),
        ([row("speed", "ok", "95%"), row("errors", "warning", "2 errors")], "warning", "2 errors"),
        ([row("cuda", "failed", "no"), row("errors", "warning", "2 errors")], "failed", "no; 2 errors"),
        ([row("cuda", "skipped", "no GPU is visible")], "skipped", "no GPU is visible"),
        ([row("cuda", "unknown", "x"), 3], "skipped", ""),
        (None, "skipped", ""),
    ],
)
def test_what_is_shown_of_a_report(findings: Any, state: str, text: str) -> None:
    assert gpu_check({"at": 5, "findings": findings}) == GpuCheck(at=5.0, state=state, text=text)


@pytest.mark.parametrize("report", [None, 3, {}, {"at": "now"}, {"at": True}, {"at": -1}])
def test_no_report_is_no_field(report: Any) -> None:
    assert gpu_check(report) is None
