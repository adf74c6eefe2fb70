"""Asking what may never answer."""

import threading
from collections.abc import Iterator

import pytest

from entrypoint.system.bounded_call import Asker, Silent


def test_an_answer_is_the_answer_and_an_error_the_error() -> None:
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


def test_while_it_is_silent_it_is_not_asked_again() -> None:
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
