"""A call with a time limit to a function that may never return."""

import threading
from collections.abc import Iterator

import pytest

from entrypoint.system.bounded_call import BoundedCall, StillRunning


def test_a_result_is_returned_and_an_error_is_raised() -> None:
    answers: Iterator[int | OSError] = iter([1, OSError("gone"), 2])

    def function() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    call = BoundedCall(function)
    assert call.run(5) == 1
    with pytest.raises(OSError, match="gone"):
        call.run(5)
    assert call.run(5) == 2


def test_while_a_call_runs_no_second_call_starts() -> None:
    goes_on, asked = threading.Event(), []

    def function() -> int:
        asked.append(1)
        goes_on.wait(30)
        return len(asked)

    call = BoundedCall(function)
    for _ in range(3):
        with pytest.raises(StillRunning, match="has not answered for 0 s"):
            call.run(0.01)
    assert len(asked) == 1
    goes_on.set()
    assert call.run(20) in (1, 2)
