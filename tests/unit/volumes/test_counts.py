"""Counting, and when to give up."""

import errno

import pytest

from entrypoint.volumes.counts import BREAKER, GONE, Tally, Troubles, add_up


def note(troubles, number, times=1, tried="chmod", changed=0):
    tally = Tally()
    for each in range(times):
        troubles.note(tried, OSError(number, ""), f"/{each}", tally, lambda: changed)
    return tally


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS, errno.ENOTSUP])
def test_refusals_without_a_success_trip_the_breaker(number):
    troubles = Troubles()
    note(troubles, number, BREAKER - 1)
    assert not troubles.tripped
    note(troubles, number)
    assert troubles.tripped == f"chmod: {errno.errorcode[number]}"


def test_refusals_among_successes_are_counted_and_nothing_more():
    troubles = Troubles()
    note(troubles, errno.EPERM, 1000, changed=1)
    assert (troubles.tripped, troubles.counts, troubles.examples) == (
        *("", {"chmod: EPERM": 1000}, {"chmod: EPERM": "/0"}),
    )


def test_being_unable_to_look_is_no_refusal_to_change():
    troubles = Troubles()
    note(troubles, errno.EACCES, 1000, tried="open")
    assert not troubles.tripped


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.ESTALE])
def test_a_volume_that_went_away_trips_it_even_after_successes(number):
    troubles = Troubles()
    note(troubles, number, GONE, tried="open", changed=99)
    assert troubles.tripped


@pytest.mark.parametrize(
    ("number", "counted"),
    [
        (errno.ENOENT, "vanished"),
        (errno.EXDEV, "other_mounts"),
        (errno.ELOOP, "swapped"),
        (errno.ENOTDIR, "swapped"),
    ],
)
def test_what_others_do_meanwhile_is_no_error(number, counted):
    troubles = Troubles()
    assert getattr(note(troubles, number, 3), counted) == 3
    assert troubles.total == 0


def test_workers_counts_add_up():
    first, second = Tally(folders=1, modes=2), Tally(files=3, owners=4)
    first.leave("set-id")
    second.leave("set-id")
    total = add_up([first, second])
    assert (total.folders, total.files, total.changed, total.left) == (1, 3, 6, {"set-id": 2})
