"""The measured speed of the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoint.models.progress import Transfer
from entrypoint.models.sources.model_file import File
from entrypoint.models.speed import known_speed, measured

FILE = File(bundle="B", source="url", dest="vae/x.pt", keys={"url": "https://h/x"})


@pytest.mark.parametrize(("received", "known"), [(0, False), (1_000_000, False), (200_000_000, True)])
def test_a_download_of_some_size_is_kept(tmp_path: Path, received: int, known: bool) -> None:
    """Also of a file that the run drops from its list, and of a run that is stopped."""
    kept, transfers = str(tmp_path / "kept"), [Transfer(FILE, received=50_000_000)]

    def stopped() -> None:
        with measured(kept, transfers):
            transfers[0].received += received
            transfers.clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert (known_speed(kept) > 0) is known


@pytest.mark.parametrize("text", ["", "[]", '{"bytes_per_second": "x"}', '{"bytes_per_second": -1}', "{"])
def test_a_damaged_record_is_no_speed(tmp_path: Path, text: str) -> None:
    (tmp_path / "network-speed.json").write_text(text)
    assert known_speed(str(tmp_path)) == 0
