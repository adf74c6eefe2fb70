"""Receipts, in a file that a kill can tear."""

from __future__ import annotations

import json
from pathlib import Path

from entrypoint.outputs import receipts as module
from entrypoint.outputs.deliver import Arrived
from entrypoint.outputs.names import Found
from entrypoint.outputs.receipts import Receipts, receipts_file
from entrypoint.settings.destinations import destination
from tests.support.outputs import Place

TO = "s3://bucket/out"
FILE = Found(3, 5)


def add(place: Place, name: str, to: str = TO, file: Found = FILE) -> None:
    Receipts(place.paths, to).add({name: (file, Arrived(name, "abc", {"md5": "d"}))}, destination(to))


def read(place: Place, to: str = TO) -> Receipts:
    found = Receipts(place.paths, to)
    found.read()
    return found


def test_a_receipt_counts_for_this_very_file_and_destination(tmp_path: Path) -> None:
    place = Place(tmp_path)
    add(place, "v/a.png")
    found = read(place)
    assert found.has("v/a.png", FILE)
    assert found.address("v/a.png") == "s3://bucket/out/v/a.png"
    assert not found.has("v/a.png", Found(3, 6))
    assert not found.has("b.png", FILE)
    assert not read(place, "s3://bucket/other").has("v/a.png", FILE)
    (line,) = place.receipts()
    assert line["sha256"] == "abc"
    assert line["verified"] == "hash"


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    place = Place(tmp_path)
    add(place, "a")
    path = Path(receipts_file(place.paths))
    path.write_text(path.read_text() + 'null\n[]\n{"to": 1}\n\xff\n{"name": "b", "si')
    add(place, "c")
    found = read(place)
    assert found.has("a", FILE)
    assert found.has("c", FILE)
    assert json.loads(path.read_text().splitlines()[-1])["name"] == "c"


def test_a_reader_takes_what_another_process_adds(tmp_path: Path) -> None:
    place = Place(tmp_path)
    add(place, "a")
    found = read(place)
    add(place, "b")
    assert not found.has("b", FILE)
    found.read()
    assert found.has("b", FILE)


def test_a_file_with_many_old_receipts_is_written_anew(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for number in range(6):
        add(place, "a", file=Found(3, number))
    add(place, "a", "s3://bucket/other")
    module._MOST_OLD, kept = 5, module._MOST_OLD
    try:
        found = read(place)
        found.compact()
    finally:
        module._MOST_OLD = kept
    assert len(place.receipts()) == 2
    assert found.has("a", Found(3, 5))
    assert read(place, "s3://bucket/other").has("a", FILE)
