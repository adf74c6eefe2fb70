"""Failures: their exit codes, and what another try may change."""

import pytest

from entrypoint.jobs.failure import CODES, Failure, failure_of


@pytest.mark.parametrize(
    ("name", "retry"),
    [("BadValue", False), ("EndsComfyUI", False), ("TimedOut", False), ("ComfyUIDown", True), ("NotDelivered", True)],
)
def test_another_try(name: str, retry: bool) -> None:
    assert Failure(name, "why").retry is retry


def test_as_json_and_back() -> None:
    failure = Failure("BadInput", "why", "what", ("one", "two"))
    assert failure_of(failure.as_json()) == failure
    assert failure_of({"name": "Other"}) is None
    assert failure_of(7) is None
    assert str(failure) == "BadInput: why; what"


def test_no_code_is_that_of_success_or_of_wrong_settings() -> None:
    assert not {0, 1, 2, 64, 78} & set(CODES.values())
