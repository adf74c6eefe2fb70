"""The log check that every container test uses finds unexpected lines."""

import pytest

from tests.support.container.log_check import AT_A_STOP, unexpected


@pytest.mark.parametrize(
    "line",
    [
        "pod      | 2026-11-22 21:10:45,819 WARN killing 'jupyter'",
        "jupyter  | [W 2026-11-22 21:10:45.812 ServerApp] No such trait",
        "jupyter  | [E 2026-11-22 21:10:45.812 ServerApp] Uncaught exception",
        "comfyui  | ERROR: no module",
        "Traceback (most recent call last):",
    ],
)
def test_an_unexpected_loud_line_is_found(line: str) -> None:
    assert unexpected(f"pod      | INFO fine\n{line}\n", *AT_A_STOP) == [line]


def test_expected_and_quiet_lines_are_not_reported() -> None:
    log = "pod | 2026 WARN stopped: prober (terminated by SIGTERM)\njupyter  | [I 2026 ServerApp] WARNINGS\n"
    assert unexpected(log, *AT_A_STOP) == []
