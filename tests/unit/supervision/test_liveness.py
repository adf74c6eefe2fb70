"""Startup and liveness probes, as histories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.supervision.prober.liveness import Liveness, MemoryLimit
from entrypoint.supervision.prober.targets import ProbeConfig

CONFIG = ProbeConfig(period=10, failures=6, window=45)
OK, BAD = None, "refused"


def verdicts(history: list[tuple[float, str | None]], started: float = 0.0) -> list[str]:
    liveness = Liveness(CONFIG, startup_grace=600, started=started)
    reasons = [liveness.observe(now, problem) for now, problem in history]
    return [reason.kind if reason else "" for reason in reasons]


def every(seconds: float, problems: list[str | None], start: float = 0.0) -> list[tuple[float, str | None]]:
    return [(start + n * seconds, problem) for n, problem in enumerate(problems)]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (every(10, [OK] + [BAD] * 6), [""] * 6 + ["hang"]),
        (every(5, [OK] + [BAD] * 9), [""] * 10),  # many failures, too short a time
        (every(5, [OK] + [BAD] * 10), [""] * 10 + ["hang"]),
        (every(20, [OK] + [BAD] * 5), [""] * 6),  # long enough, too few failures
        (every(10, [OK] + [BAD] * 5 + [OK] + [BAD] * 5), [""] * 12),  # one success resets the failures
        (every(10, [BAD] * 60), [""] * 60),  # starting up
        (every(10, [BAD] * 61), [""] * 60 + ["startup"]),
        (every(10, [BAD] * 3 + [OK] + [BAD] * 6), [""] * 9 + ["hang"]),
    ],
)
def test_histories(history: list[tuple[float, str | None]], expected: list[str]) -> None:
    """(seconds, problem) -> kinds of kills."""
    assert verdicts(history) == expected


def test_a_restarted_prober_uses_the_age_of_the_process() -> None:
    """It has seen no response, but the process is past its startup grace: the liveness thresholds decide."""
    assert verdicts(every(10, [BAD] * 6, start=2000.0)) == [""] * 5 + ["startup"]
    assert verdicts(every(10, [BAD] * 6, start=2000.0), started=1900.0) == [""] * 6


@given(st.lists(st.sampled_from([OK, BAD]), max_size=80))
def test_only_six_failures_in_a_row_kill(problems: list[str | None]) -> None:
    """In any history a kill follows six failures in a row."""
    for n, verdict in enumerate(verdicts(every(10, problems))):
        assert not verdict or problems[max(0, n - 5) : n + 1] == [BAD] * 6


@pytest.mark.parametrize(
    ("uses", "expected"),
    [([99, 100], [0, 0]), ([101, 99, 101], [0, 0, 0]), ([101, 101], [0, 1]), ([300, 101, 99], [0, 1, 0])],
)
def test_memory_limit_needs_two_samples(uses: list[int], expected: list[int]) -> None:
    """A fork counts its parent's pages twice until it execs."""
    limit = MemoryLimit(100 << 20)
    assert [bool(limit.observe(use << 20)) for use in uses] == [bool(e) for e in expected]
