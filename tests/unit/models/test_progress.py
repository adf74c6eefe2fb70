"""Each bundle's progress, in the order of the fetch, with the time until it is complete."""

from __future__ import annotations

from entrypoint.models.progress import FAILED, INSTALLED, Transfer, by_bundle, line, record
from entrypoint.models.sources.model_file import File


def transfer(bundle: str, size: int, written: int = 0, state: str = "waiting") -> Transfer:
    file = File(bundle=bundle, source="url", dest=f"loras/{bundle}-{size}")
    return Transfer(file, state=state, size=size, written=written)


TRANSFERS = [
    transfer("A", 100, 100, INSTALLED), transfer("B", 300, 100, "fetching"), transfer("C", 200),
    transfer("C", 50, 0, FAILED),
]  # fmt: skip


def test_a_bundle_takes_its_own_time_and_that_of_those_before_it() -> None:
    found = by_bundle(TRANSFERS, 10, lambda file: ("CAB".index(file.bundle),))
    assert [(each.name, each.seconds_left, each.complete) for each in found] == [
        ("C", 20, False), ("A", None, True), ("B", 40, False),
    ]  # fmt: skip
    assert (found[0].size, found[0].failed, found[0].files) == (250, 1, 2)
    assert [each.seconds_left for each in by_bundle(TRANSFERS, 0)] == [None, None, None]


def test_the_line_has_the_time_of_the_bundle_that_is_next() -> None:
    assert line(TRANSFERS, 10).endswith("about 45 s left, B in 20 s, 1 failed")
    assert " in " not in line(TRANSFERS[:2], 10)  # one bundle: its time is that of all


def test_the_record_has_the_bundles() -> None:
    content = record(TRANSFERS, "running", 10, 0.0, 1, [], bundles=by_bundle(TRANSFERS, 10), to_volume=7)
    assert [each["name"] for each in content["bundles"]] == ["A", "B", "C"]
    assert content["to_volume"] == 7
