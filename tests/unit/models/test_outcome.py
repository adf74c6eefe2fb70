"""How a run ends, by how its files did."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.manifest import File
from entrypoint.models.job import DONE, INCOMPLETE, LATER, ending_of
from entrypoint.models.progress import Transfer
from entrypoint.models.transport.response_rules import Failed

THERE, GONE, BROKEN, BUSY = (
    (False, 0.0, ""),
    (False, 0.0, "NotFound"),
    (True, 0.0, "OriginFails"),
    (True, 600.0, "x"),
)


@pytest.mark.parametrize(
    ("files", "code", "after"),
    [
        ([], DONE, 0),
        ([THERE, THERE], DONE, 0),
        ([THERE, GONE], INCOMPLETE, 0),
        ([GONE, BROKEN], LATER, 0),
        ([BROKEN, GONE], LATER, 0),
        ([THERE, BUSY], LATER, 600),
        ([BUSY, (True, 900.0, "x")], LATER, 600),
        ([BUSY, GONE], LATER, 600),
        ([BUSY, BROKEN], LATER, 0),
    ],
)
def test_the_ending(files: list[tuple[bool, float, str]], code: int, after: float) -> None:
    transfers = []
    for temporary, wait, name in files:
        transfer = Transfer(File(bundle="B", source="url", dest="loras/f", url="https://h/f"))
        transfer.arrived("fetched", 1)
        if name:
            transfer.fail(Failed(name, "reason", "remedy", temporary=temporary, after=wait))
        transfers.append(transfer)
    ending = ending_of(transfers)
    assert (ending.code, ending.after) == (code, after)
    assert len(ending.problems) == sum(bool(name) for _, _, name in files)
