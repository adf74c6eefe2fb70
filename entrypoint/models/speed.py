"""A: the speed of the network, as the last download of some size measured it; kept on the volume for later plans."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence

from entrypoint.models.progress import Transfer
from entrypoint.system.files import read_table, write_json

#: Bytes below which a download says nothing of the network.
_LEAST = 20_000_000
#: Bytes a second beyond which a number was not measured by a network.
_MOST = 10**11


@contextlib.contextmanager
def measured(kept: str, transfers: Sequence[Transfer]) -> Iterator[None]:
    """Measure the downloads inside. `kept`: our own folder on the volume."""
    began, before = time.monotonic(), sum(each.received for each in transfers)
    every = tuple(transfers)  # the caller may drop some
    try:
        yield
    finally:
        received = sum(each.received for each in every) - before
        seconds = time.monotonic() - began
        if received >= _LEAST and seconds > 0:
            with contextlib.suppress(OSError):  # a plan then has no minutes
                os.makedirs(kept, mode=0o700, exist_ok=True)
                write_json(_path(kept), {"bytes_per_second": round(received / seconds)}, 0o600)


def known_speed(kept: str) -> int:
    """Bytes a second; 0: no download has measured it."""
    found = read_table(_path(kept)).get("bytes_per_second")
    return min(found, _MOST) if isinstance(found, int) and found > 0 else 0


def _path(kept: str) -> str:
    return f"{kept}/network-speed.json"
