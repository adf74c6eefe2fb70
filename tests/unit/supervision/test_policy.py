"""The restart policy and the decision after an exit, as tables and as properties."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.supervision.exits import REQUESTED, Reason
from entrypoint.supervision.policy import (
    TRIAL_DELAY,
    Backoff,
    Decision,
    Exit,
    GiveUp,
    Restart,
    RestartPolicy,
    StayDown,
    full_jitter,
    on_exit,
    on_failure,
)

UPTIMES = st.lists(st.floats(0, 200), min_size=1, max_size=60)


def attempts(policy: RestartPolicy, uptimes: list[float]) -> list[int]:
    """The attempt number behind each delay; 0: at once; -1: gave up."""
    seen: list[int] = []
    backoff, now = Backoff(policy, jitter=float), 0.0
    for uptime in uptimes:
        now += uptime
        decision = on_exit(Exit(1, uptime), backoff, now)
        assert isinstance(decision, Restart | GiveUp)
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
    """Uptimes of one program after another -> the number of the delayed attempt that each restart is."""
    assert attempts(policy, uptimes) == expected


@given(UPTIMES)
def test_never_gives_up_by_default(uptimes: list[float]) -> None:
    """With any uptimes."""
    assert -1 not in attempts(RestartPolicy(), uptimes)


@given(UPTIMES)
def test_a_stable_run_is_always_followed_by_a_restart_at_once(uptimes: list[float]) -> None:
    """After `stable_after` seconds the backoff is reset."""
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


@pytest.mark.parametrize(("uptime", "startsecs", "delay"), [(10, 2, 0.0), (2, 2, 0.0), (1.9, 2, 1.0), (0, 0, 0.0)])
def test_a_requested_restart_is_no_failure_after_startsecs(uptime: float, startsecs: float, delay: float) -> None:
    """A program that keeps asking before it is up is in a crash loop."""
    backoff = Backoff(RestartPolicy(), jitter=float)
    backoff.add_failure(0, 0)
    facts = Exit(0, uptime, startsecs=startsecs, restart_requested=True)
    assert on_exit(facts, backoff, 1) == Restart(REQUESTED, delay)


def test_a_trial_is_no_failure() -> None:
    backoff = Backoff(RestartPolicy(), jitter=float)
    for _ in range(9):
        assert on_exit(Exit(1, 1, trial=True), backoff, 1).delay == TRIAL_DELAY  # type: ignore[union-attr]
    assert backoff.failures == 0
    assert on_exit(Exit(1, 1, trial=True, stopping=True), backoff, 1) == StayDown(Reason("exit", "exited with code 1"))


NOTE = Reason("hang", "hung")
AT_ONCE, DOWN = 0.0, None


@pytest.mark.parametrize(
    ("facts", "delay", "kind"),
    [
        (Exit(0, 5), AT_ONCE, "exit"),
        (Exit(-9, 5), AT_ONCE, "signal"),
        (Exit(-9, 5, oom_kills=1), AT_ONCE, "oom"),
        (Exit(-9, 5, oom_kills=1, kill_note=NOTE), AT_ONCE, "hang"),
        (Exit(0, 5, autorestart="unexpected"), AT_ONCE, "exit"),
        (Exit(78, 5, autorestart="unexpected", exitcodes=(0, 78)), DOWN, "exit"),
        (Exit(1, 5, autorestart="unexpected", exitcodes=(0, 78)), AT_ONCE, "exit"),
        (Exit(-9, 5, autorestart="unexpected", exitcodes=(0,)), AT_ONCE, "signal"),
        (Exit(78, 5, exitcodes=(78,)), AT_ONCE, "exit"),  # autorestart=true ignores exitcodes
        (Exit(0, 5, autorestart="unexpected", exitcodes=(0,), restart_requested=True), AT_ONCE, "wanted"),
        (Exit(78, 5, autorestart="unexpected", exitcodes=(78,), restart_requested=True), DOWN, "exit"),
        (Exit(0, 5, restart_requested=True, kill_note=NOTE), AT_ONCE, "hang"),
        (Exit(1, 5, autorestart="never"), DOWN, "exit"),
        (Exit(0, 5, autorestart="never", restart_requested=True), DOWN, "wanted"),
        (Exit(-15, 5, stopping=True), DOWN, "signal"),
        (Exit(0, 5, stopping=True, restart_requested=True), DOWN, "wanted"),
    ],
)
def test_decision_after_a_first_exit(facts: Exit, delay: float | None, kind: str) -> None:
    """Restart or stay down, and the recorded reason."""
    decision = on_exit(facts, Backoff(RestartPolicy()), 100)
    assert isinstance(decision, StayDown if delay is DOWN else Restart)
    assert decision.reason.kind == kind
    assert not isinstance(decision, Restart) or decision.delay == delay


def test_an_exit_that_stays_down_is_no_failure() -> None:
    """The next start is not delayed by it."""
    backoff = Backoff(RestartPolicy(), jitter=float)
    on_exit(Exit(0, 0, stopping=True), backoff, 0)
    on_exit(Exit(0, 0, autorestart="never"), backoff, 0)
    assert backoff.failures == 0


def test_a_failed_start_counts_as_a_failure() -> None:
    """Its decision keeps its reason, up to the give-up."""
    reason, backoff = Reason("spawn", "cannot find command"), Backoff(RestartPolicy(burst=3), jitter=float)
    decisions: list[Decision] = [on_failure(reason, 0, backoff, now) for now in (1.0, 2.0, 3.0)]
    assert decisions == [Restart(reason, 0.0), Restart(reason, 1.0), GiveUp(reason)]


def test_a_start_by_the_operator_resets_the_failures() -> None:
    """After `reset` the next failure is a first one, for delays and for giving up."""
    backoff = Backoff(RestartPolicy(burst=2), jitter=float)
    backoff.add_failure(0, 0)
    backoff.reset()
    assert backoff.add_failure(0, 1) == 0.0


def test_tenacity_is_not_imported_before_the_first_delay() -> None:
    """It brings asyncio: 60 ms and 4 MiB, for the restart that waits."""
    program = (
        "import sys; from entrypoint.supervision.policy import *; b = Backoff(RestartPolicy()); b.add_failure(0, 0);"
        "assert 'tenacity' not in sys.modules; b.add_failure(0, 0); assert 'tenacity' in sys.modules"
    )
    subprocess.run([sys.executable, "-I", "-c", program], check=True)
