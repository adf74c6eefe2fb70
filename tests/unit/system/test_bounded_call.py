"""Asking what may never answer."""

import threading

import pytest

from entrypoint.system.bounded_call import BoundedCall, StillRunning


def test_an_answer_is_the_answer_and_an_error_the_error() -> None:
    answers = iter([1, OSError("gone"), 2])

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


def test_while_it_is_silent_it_is_not_asked_again() -> None:
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
