"""Dead prompt workers against long single steps, as histories of the queue, the threads and the CPU."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.supervision.prober.prompt_worker import PromptWorker, Queue
from entrypoint.supervision.prober.targets import Pace

IDLE = Queue((), 0)
BUSY = Queue(("a",), 0)
BOTH = Queue(("a",), 2)
NEXT = Queue(("b",), 1)
STUCK = Queue((), 2)
ALL = frozenset({1, 2, 3})  # 3 is the worker
GONE = frozenset({1, 2})
NEW = frozenset({1, 2, 4, 5})  # gone, and others have come
Look = tuple[Queue, frozenset[int], float]


def verdicts(looks: list[Look], period: float = 20.0) -> list[bool]:
    """`looks` are (queue, threads, CPU used since the last look in seconds)."""
    worker, cpu, seen = PromptWorker(Pace(stuck=60)), 5.0, []
    for number, (queue, threads, used) in enumerate(looks):
        cpu += used
        seen.append(bool(worker.observe(number * period, queue, threads, cpu)))
    return seen


@pytest.mark.parametrize(
    ("looks", "killed"),
    [
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, GONE, 0)] * 5, True),
        ([(IDLE, ALL, 0)] * 2 + [(BOTH, NEW, 0)] * 5, True),
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, GONE, 0)] * 3, False),  # not long enough
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, ALL, 0)] * 500, False),  # a long single step without CPU (GPU, API)
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, ALL, 20)] * 500, False),  # a long single step on the CPU
        ([(IDLE, ALL, 0)] * 2 + [(BOTH, ALL | {7}, 0)] * 500, False),
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, GONE, 20)] * 500, False),  # some thread ended; something works
        ([(BUSY, ALL, 0)] * 500, False),  # first seen at work
        ([(BUSY, GONE, 0)] * 500, False),  # never seen alive: no proof
        ([(IDLE, ALL, 0), (BUSY, GONE, 0), (NEXT, GONE, 0)] + [(NEXT, GONE, 0)] * 50, False),  # it went on
        ([(IDLE, ALL, 0), (BUSY, ALL, 0), (NEXT, GONE, 0)] + [(NEXT, GONE, 0)] * 5, True),
        (
            [(IDLE, ALL, 0), (IDLE, GONE, 0)] + [(BUSY, GONE, 0)] * 50,
            False,
        ),  # ended while idle: not the worker
        ([(IDLE, ALL, 0)] + [(STUCK, ALL, 0)] * 5, True),  # waiting, nothing running
        ([(IDLE, ALL, 0)] + [(STUCK, ALL, 20)] * 5, True),
        ([(IDLE, ALL, 0)] + [(STUCK, ALL, 0), (BUSY, ALL, 0)] * 50, False),
        ([(IDLE, ALL, 0)] * 500, False),
    ],
)
def test_histories(looks: list[Look], killed: bool) -> None:
    """Which histories end in a kill."""
    assert any(verdicts(looks)) == killed


def test_not_before_its_time() -> None:
    """Three looks in quick succession are not a minute."""
    looks: list[Look] = [(IDLE, ALL, 0)] + [(BUSY, GONE, 0)] * 59
    assert not any(verdicts(looks, period=1.0))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([IDLE, BUSY, BOTH, NEXT]),
            st.frozensets(st.integers(4, 9)),
            st.sampled_from([0.0, 20.0]),
        ),
        max_size=60,
    )
)
def test_a_living_worker_is_never_killed(looks: list[tuple[Queue, frozenset[int], float]]) -> None:
    """Whatever later threads and the CPU do, as long as the thread that was there first is."""
    first: list[Look] = [(IDLE, frozenset({3}), 0.0)]
    assert not any(verdicts([*first, *((queue, others | {3}, used) for queue, others, used in looks)]))
