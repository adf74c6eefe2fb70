"""The restart policy, as tables and as properties."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.supervision.policy import Backoff, GiveUp, Restart, RestartPolicy, full_jitter

UPTIMES = st.lists(st.floats(0, 200), min_size=1, max_size=60)


def attempts(policy: RestartPolicy, uptimes: list[float]) -> list[int]:
    """The attempt number behind each delay; 0: at once; -1: gave up."""
    backoff, now, seen = Backoff(policy, wait=float), 0.0, []
    for uptime in uptimes:
        now += uptime
        decision = backoff.after_exit(uptime, now)
        seen.append(-1 if isinstance(decision, GiveUp) else int(decision.delay))
    return seen


@pytest.mark.parametrize(
    ("policy", "uptimes", "expected"),
    [
        (RestartPolicy(), [0], [0]),
        (RestartPolicy(), [0, 0, 0, 0], [0, 1, 2, 3]),
        (RestartPolicy(), [0, 59.9, 0], [0, 1, 2]),
        (RestartPolicy(), [0, 0, 60, 0], [0, 1, 0, 1]),
        (RestartPolicy(), [60, 60, 60], [0, 0, 0]),
        (RestartPolicy(stable_after=1), [0, 0, 1, 0], [0, 1, 0, 1]),
        (RestartPolicy(burst=3), [0, 0, 0], [0, 1, -1]),
        (RestartPolicy(burst=1), [0], [-1]),
        (RestartPolicy(burst=3, interval=10), [0, 6, 6, 6], [0, 1, 2, 3]),
        (RestartPolicy(burst=3, interval=10), [0, 5, 5], [0, 1, -1]),
        (RestartPolicy(burst=3), [0, 0, 60, 0, 0], [0, 1, 0, 1, -1]),
    ],
)
def test_histories(policy: RestartPolicy, uptimes: list[float], expected: list[int]) -> None:
    """Uptimes of one program after another -> which delayed attempt each restart is."""
    assert attempts(policy, uptimes) == expected


@given(UPTIMES)
def test_never_gives_up_by_default(uptimes: list[float]) -> None:
    """Whatever happens."""
    assert -1 not in attempts(RestartPolicy(), uptimes)


@given(UPTIMES)
def test_a_stable_run_always_means_at_once(uptimes: list[float]) -> None:
    """After `stable_after` seconds the past is forgiven."""
    for uptime, attempt in zip(uptimes, attempts(RestartPolicy(), uptimes), strict=True):
        assert attempt == 0 or uptime < 60


@given(
    attempt=st.integers(1, 10_000),
    base=st.floats(0.1, 5),
    cap=st.floats(5, 300),
    floor=st.floats(0.01, 0.1),
)
def test_full_jitter_stays_in_its_window(attempt: int, base: float, cap: float, floor: float) -> None:
    """floor <= delay <= min(cap, base * 2^(attempt - 1)), for any attempt."""
    delay = full_jitter(RestartPolicy(base=base, cap=cap, floor=floor))(attempt)
    assert floor <= delay <= max(floor, min(cap, base * 2 ** min(attempt - 1, 60))) * 1.0000001


def test_full_jitter_uses_the_whole_window() -> None:
    """Not "half of it plus something": clients that restart together must spread."""
    wait = full_jitter(RestartPolicy(base=1, cap=60))
    draws = [wait(4) for _ in range(400)]
    assert min(draws) < 1
    assert max(draws) > 7
    assert 3 < sum(draws) / len(draws) < 5


@pytest.mark.parametrize(("uptime", "settled", "expected"), [(10, 2, 0.0), (2, 2, 0.0), (1.9, 2, 1.0), (0, 0, 0.0)])
def test_wanted_restarts_are_free_once_settled(uptime: float, settled: float, expected: float) -> None:
    """But asking for one over and over before having been up is a crash loop."""
    backoff = Backoff(RestartPolicy(), wait=float)
    backoff.after_exit(0, 0)
    assert backoff.after_wanted_exit(uptime, 1, settled) == Restart(expected)


def test_operator_start_forgives() -> None:
    """`reset` makes the next failure a first one, for delays and for giving up."""
    backoff = Backoff(RestartPolicy(burst=2), wait=float)
    backoff.after_exit(0, 0)
    backoff.reset()
    assert backoff.after_exit(0, 1) == Restart(0.0)


def test_tenacity_is_not_on_the_way_to_the_first_spawn() -> None:
    """It brings asyncio: 60 ms and 4 MiB, for the restart that waits."""
    program = (
        "import sys; from entrypoint.supervision.policy import *; b = Backoff(RestartPolicy()); b.after_exit(0, 0);"
        "assert 'tenacity' not in sys.modules; b.after_exit(0, 0); assert 'tenacity' in sys.modules"
    )
    subprocess.run([sys.executable, "-I", "-c", program], check=True)
