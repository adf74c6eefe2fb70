"""Counts and errors of a pass, and when it gives up."""

import errno

import pytest

from entrypoint.volumes.counts import DISCONNECTED_LIMIT, REFUSED_LIMIT, Counts, Errors, sum_counts


def add_errors(errors: Errors, number: int, times: int = 1, tried: str = "chmod", changed: int = 0) -> Counts:
    counts = Counts()
    for each in range(times):
        errors.add(tried, OSError(number, ""), f"/{each}", counts, lambda: changed)
    return counts


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS, errno.ENOTSUP])
def test_refusals_without_a_success_trip_the_breaker(number: int) -> None:
    errors = Errors()
    add_errors(errors, number, REFUSED_LIMIT - 1)
    assert not errors.tripped
    add_errors(errors, number)
    assert errors.tripped == f"chmod: {errno.errorcode[number]}"


def test_refusals_among_successes_are_only_counted() -> None:
    errors = Errors()
    add_errors(errors, errno.EPERM, 1000, changed=1)
    assert (errors.tripped, errors.counts, errors.examples) == (*("", {"chmod: EPERM": 1000}, {"chmod: EPERM": "/0"}),)


def test_a_refused_open_does_not_trip_the_breaker() -> None:
    errors = Errors()
    add_errors(errors, errno.EACCES, 1000, tried="open")
    assert not errors.tripped


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.ESTALE])
def test_a_disconnected_volume_trips_the_breaker_even_after_successes(number: int) -> None:
    errors = Errors()
    add_errors(errors, number, DISCONNECTED_LIMIT, tried="open", changed=99)
    assert errors.tripped


@pytest.mark.parametrize(
    ("number", "counted"),
    [
        (errno.ENOENT, "vanished"),
        (errno.EXDEV, "other_mounts"),
        (errno.ELOOP, "swapped"),
        (errno.ENOTDIR, "swapped"),
    ],
)
def test_concurrent_changes_are_no_errors(number: int, counted: str) -> None:
    errors = Errors()
    assert getattr(add_errors(errors, number, 3), counted) == 3
    assert errors.total == 0


def test_the_counts_of_workers_are_summed() -> None:
    first, second = Counts(folders=1, modes=2), Counts(files=3, owners=4)
    first.add_left("set-id")
    second.add_left("set-id")
    total = sum_counts([first, second])
    assert (total.folders, total.files, total.changed, total.left) == (1, 3, 6, {"set-id": 2})
