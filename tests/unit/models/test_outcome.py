"""The outcome of a run, by its files and its errors."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.fit import DoesNotFit
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.models.catalogue.wanted import BadFlags
from entrypoint.models.errors import DiskError, DownloadError
from entrypoint.models.outcome import (
    BAD_SETTINGS,
    DONE,
    INCOMPLETE,
    LATER,
    NO_ROOM,
    outcome_of,
    outcome_of_error,
)
from entrypoint.models.progress import Transfer
from entrypoint.models.sources.model_file import File

INSTALLED, GONE, BROKEN, BUSY = (
    (False, 0.0, ""),
    (False, 0.0, "NotFound"),
    (True, 0.0, "OriginFails"),
    (True, 600.0, "x"),
)


@pytest.mark.parametrize(
    ("files", "code", "after"),
    [
        ([], DONE, 0),
        ([INSTALLED, INSTALLED], DONE, 0),
        ([INSTALLED, GONE], INCOMPLETE, 0),
        ([GONE, BROKEN], LATER, 0),
        ([BROKEN, GONE], LATER, 0),
        ([INSTALLED, BUSY], LATER, 600),
        ([BUSY, (True, 900.0, "x")], LATER, 600),
        ([BUSY, GONE], LATER, 600),
        ([BUSY, BROKEN], LATER, 0),
    ],
)
def test_the_outcome_by_files(files: list[tuple[bool, float, str]], code: int, after: float) -> None:
    transfers = []
    for temporary, wait, name in files:
        transfer = Transfer(File(bundle="B", source="url", dest="loras/f", keys={"url": "https://h/f"}))
        transfer.installed("fetched", 1)
        if name:
            transfer.fail(DownloadError(name, "reason", "remedy", temporary=temporary, after=wait))
        transfers.append(transfer)
    outcome = outcome_of(transfers)
    assert (outcome.code, outcome.after) == (code, after)
    assert len(outcome.problems) == sum(bool(name) for _, _, name in files)


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (BadManifest("line 1"), BAD_SETTINGS, 1),
        (BadFlags("one\ntwo"), BAD_SETTINGS, 2),
        (DoesNotFit("a table\n  B 1 GB"), NO_ROOM, 2),
        (DownloadError("ManifestUnreachable", "HTTP 404", "check"), INCOMPLETE, 1),
        (DownloadError("ManifestUnreachable", "HTTP 503", "check", temporary=True), LATER, 1),
        (DiskError("VolumeReadOnly", "read-only", "mount it"), LATER, 1),
    ],
)
def test_the_outcome_by_errors(
    error: BadManifest | BadFlags | DoesNotFit | DownloadError, code: int, lines: int
) -> None:
    outcome = outcome_of_error(error)
    assert (outcome.code, len(outcome.problems)) == (code, lines)
    assert outcome.remedy
