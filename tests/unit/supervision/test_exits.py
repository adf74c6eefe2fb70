"""Reasons of exits."""

import pytest

from entrypoint.supervision.exits import reason_for_exit, signal_name


@pytest.mark.parametrize(
    ("code", "oom_kills", "kind", "text"),
    [
        (0, 0, "exit", "exited with code 0"),
        (255, 3, "exit", "exited with code 255"),
        (-9, 0, "signal", "killed by SIGKILL"),
        (-9, 1, "oom", "killed by SIGKILL: out of memory (the kernel's OOM killer)"),
        (-11, 1, "signal", "killed by SIGSEGV"),
        (-64, 0, "signal", "killed by SIGRTMAX"),
    ],
)
def test_reasons(code: int, oom_kills: int, kind: str, text: str) -> None:
    """Exit codes and signals; only a SIGKILL can come from the OOM killer."""
    assert reason_for_exit(code, oom_kills) == (kind, text)


def test_every_exit_code_and_signal_has_its_own_text() -> None:
    """All 256 codes, all 64 signals."""
    assert len({reason_for_exit(code, 0).text for code in range(256)}) == 256
    assert len({signal_name(number) for number in range(1, 65)}) == 64
