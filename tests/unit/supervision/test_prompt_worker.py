"""Dead prompt workers and long single steps, as histories of the queue, the threads and the CPU use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.supervision.prober.prompt_worker import PromptWorker, Queue
from entrypoint.supervision.prober.targets import ProbeConfig

IDLE = Queue((), 0)
BUSY = Queue(("a",), 0)
BOTH = Queue(("a",), 2)
NEXT = Queue(("b",), 1)
STUCK = Queue((), 2)
ALL = frozenset({1, 2, 3})  # 3 is the worker
GONE = frozenset({1, 2})
NEW = frozenset({1, 2, 4, 5})  # the worker is gone, others are new
Sample = tuple[Queue, frozenset[int], float]


def verdicts(samples: list[Sample], period: float = 20.0) -> list[bool]:
    """`samples` are (queue, threads, CPU seconds used since the last sample)."""
    worker, cpu, seen = PromptWorker(ProbeConfig(stuck=60)), 5.0, []
    for number, (queue, threads, used) in enumerate(samples):
        cpu += used
        seen.append(bool(worker.observe(number * period, queue, threads, cpu)))
    return seen


@pytest.mark.parametrize(
    ("samples", "killed"),
    [
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, GONE, 0)] * 5, True),
        ([(IDLE, ALL, 0)] * 2 + [(BOTH, NEW, 0)] * 5, True),
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, GONE, 0)] * 3, False),  # not long enough
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, ALL, 0)] * 500, False),  # a long single step without CPU (GPU, API)
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, ALL, 20)] * 500, False),  # a long single step on the CPU
        ([(IDLE, ALL, 0)] * 2 + [(BOTH, ALL | {7}, 0)] * 500, False),
        ([(IDLE, ALL, 0)] * 2 + [(BUSY, GONE, 20)] * 500, False),  # some other thread ended: the process is busy
        ([(BUSY, ALL, 0)] * 500, False),  # busy from the first sample on
        ([(BUSY, GONE, 0)] * 500, False),  # the worker was never seen: no proof
        ([(IDLE, ALL, 0), (BUSY, GONE, 0), (NEXT, GONE, 0)] + [(NEXT, GONE, 0)] * 50, False),  # the next item started
        ([(IDLE, ALL, 0), (BUSY, ALL, 0), (NEXT, GONE, 0)] + [(NEXT, GONE, 0)] * 5, True),
        (
            [(IDLE, ALL, 0), (IDLE, GONE, 0)] + [(BUSY, GONE, 0)] * 50,
            False,
        ),  # a thread that ended while idle is not the worker
        ([(IDLE, ALL, 0)] + [(STUCK, ALL, 0)] * 5, True),  # waiting, nothing running
        ([(IDLE, ALL, 0)] + [(STUCK, ALL, 20)] * 5, True),
        ([(IDLE, ALL, 0)] + [(STUCK, ALL, 0), (BUSY, ALL, 0)] * 50, False),
        ([(IDLE, ALL, 0)] * 500, False),
    ],
)
def test_histories(samples: list[Sample], killed: bool) -> None:
    """Which histories end in a kill."""
    assert any(verdicts(samples)) == killed


def test_not_before_the_time_limit() -> None:
    """Three samples within seconds do not make a minute."""
    samples: list[Sample] = [(IDLE, ALL, 0.0), *[(BUSY, GONE, 0.0)] * 59]
    assert not any(verdicts(samples, period=1.0))


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
def test_a_living_worker_is_never_killed(samples: list[tuple[Queue, frozenset[int], float]]) -> None:
    """For any later threads and CPU use, as long as the first thread exists."""
    first: list[Sample] = [(IDLE, frozenset({3}), 0.0)]
    assert not any(verdicts([*first, *((queue, others | {3}, used) for queue, others, used in samples)]))
