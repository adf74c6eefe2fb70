"""A call with a time limit to a function that may never return."""

import threading
from collections.abc import Iterator

import pytest

from entrypoint.system.bounded_call import Asker, Silent


def test_a_result_is_returned_and_an_error_is_raised() -> None:
    answers: Iterator[int | OSError] = iter([1, OSError("gone"), 2])

    def question() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    asker = Asker(question)
    assert asker.ask(5) == 1
    with pytest.raises(OSError, match="gone"):
        asker.ask(5)
    assert asker.ask(5) == 2


def test_while_a_call_runs_no_second_call_starts() -> None:
    goes_on, asked = threading.Event(), []

    def question() -> int:
        asked.append(1)
        goes_on.wait(30)
        return len(asked)

    asker = Asker(question)
    for _ in range(3):
        with pytest.raises(Silent, match="has not answered for 0 s"):
            asker.ask(0.01)
    assert len(asked) == 1
    goes_on.set()
    assert asker.ask(20) in (1, 2)
