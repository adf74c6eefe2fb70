"""What a run downloads."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.fit import DoesNotFit
from entrypoint.models.catalogue.manifest import Bundle, Manifest
from entrypoint.models.catalogue.wanted import wanted_bundles
from entrypoint.models.fetch_plan import FetchPlan, make_plan
from entrypoint.models.progress import Transfer
from entrypoint.models.sources.model_file import File

GB = 10**9
A, B, C = (
    File(bundle=bundle, source="url", dest=f"loras/{bundle}", keys={"url": f"https://h/{bundle}"}) for bundle in "ABC"
)
MANIFEST = Manifest(
    (
        Bundle(name="A", files=(A,), size_gb=9),
        Bundle(name="B", files=(B,), size_gb=5),
        Bundle(name="C", files=(C,), default=False),
    )
)


def transfers(a: int, b: int) -> list[Transfer]:
    return [Transfer(A, size=a * GB), Transfer(B, size=b * GB)]


def plan(files: list[Transfer], free: int, staged: dict[File, int] | None = None, **flags: str) -> FetchPlan:
    wanted, _ = wanted_bundles(MANIFEST, {f"DOWNLOAD_{name}": text for name, text in flags.items()})
    return make_plan(wanted, files, staged or {}, (free * GB, 100 * GB))


def test_everything_fits_with_2_gb_to_spare() -> None:
    assert plan(transfers(3, 4), 9) == FetchPlan(("A", "B"), (A, B), 7 * GB, (), (("A", 3 * GB), ("B", 4 * GB)))
    found = plan(transfers(3, 4), 8)
    assert (found.bundles, found.files, found.need) == (("A",), (A,), 3 * GB)
    assert found.left_out == ("B is left out: it needs 4.0 GB, 3.0 GB left",)


def test_an_installed_file_and_staged_bytes_need_no_space() -> None:
    files = transfers(3, 4)
    files[0].installed("receipt", 3 * GB)
    found = plan(files, 5, {B: GB})
    assert (found.bundles, found.need) == (("A", "B"), 3 * GB)
    assert found.summary() == "models: A B; 3.0 GB to fetch"


def test_what_is_linked_on_its_disk_needs_no_space() -> None:
    files = transfers(3, 4)
    files[1].linked_from = "/cache/blob"
    found = plan(files, 5)
    assert (found.bundles, found.need) == (("A", "B"), 3 * GB)
    assert found.lines(files, {}, 0)[-1] == f"  {B.dest}: 4.0 GB, on this disk already: /cache/blob"


def test_the_plan_names_what_each_bundle_and_file_needs_and_how_long_it_takes() -> None:
    files = transfers(3, 4)
    assert plan(files, 100).lines(files, {}, 0) == [
        "A: 3.0 GB to fetch", f"  {A.dest}: 3.0 GB to fetch", "B: 4.0 GB to fetch", f"  {B.dest}: 4.0 GB to fetch",
    ]  # fmt: skip
    assert plan(files, 8).lines(files, {A: GB}, 10**8) == [  # B does not fit: the summary says so
        "A: 3.0 GB to fetch, about 30 s", f"  {A.dest}: 2.0 GB to fetch of 3.0 GB",
        "speed: 100.0 MB/s, as the last download measured it",
    ]  # fmt: skip
    files[0].installed("receipt", 3 * GB)
    assert plan(files, 8).lines(files, {}, 0)[1] == f"  {A.dest}: installed, 3.0 GB"


def test_a_bundle_whose_size_is_not_known_needs_what_its_manifest_says() -> None:
    assert plan(transfers(0, 4), 100).need == 13 * GB


def test_named_bundles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DoesNotFit, match=r"requested: 4\.0 GB, room: 3\.0 GB"):
        plan(transfers(3, 4), 5, B="true", A="false")


def test_a_bundle_is_complete_once_all_its_files_are_installed() -> None:
    files = transfers(3, 4)
    found = plan(files, 100)
    files[0].installed("fetched", 3 * GB)
    assert found.complete_bundles(files) == ["A"]
    assert plan(files, 0).complete_bundles(files) == ["A"]
