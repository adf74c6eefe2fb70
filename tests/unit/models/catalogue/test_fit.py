"""Which of the wanted bundles fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.models.catalogue.fit import DoesNotFit, fitting, margin
from entrypoint.models.catalogue.manifest import Bundle, Manifest
from entrypoint.models.catalogue.wanted import WantedBundle, wanted_bundles

MANIFEST = Manifest(
    (
        Bundle(name="CORE", implies=("CLIP", "VAE")),
        Bundle(name="BIG"),
        Bundle(name="FLUX", default=False),
        Bundle(name="CLIP"),
        Bundle(name="VAE"),
    )
)
NEEDS = {"CORE": 60, "BIG": 50, "FLUX": 15, "CLIP": 12, "VAE": 1}


def wanted(**flags: str) -> tuple[WantedBundle, ...]:
    return wanted_bundles(MANIFEST, {f"DOWNLOAD_{name}": text for name, text in flags.items()})[0]


@pytest.mark.parametrize(
    ("flags", "room", "bundles"),
    [
        ({}, 200, ("CORE", "BIG", "CLIP", "VAE")),
        ({}, 100, ("CORE", "CLIP", "VAE")),
        ({}, 73, ("CORE", "CLIP", "VAE")),
        ({}, 72, ("BIG", "CLIP", "VAE")),  # the core counts with what it needs
        ({}, 0, ()),
        ({"FLUX": "true"}, 88, ("CORE", "FLUX", "CLIP", "VAE")),
        ({"FLUX": "true"}, 15, ("FLUX",)),
    ],
)
def test_defaults_are_selected_in_order_as_far_as_they_fit(
    flags: dict[str, str], room: int, bundles: tuple[str, ...]
) -> None:
    found = wanted(**flags)
    fit = fitting(found, NEEDS, room)
    assert fit.bundles == bundles
    assert len(fit.left_out) == sum(each.wanted for each in found) - len(bundles)


def test_named_bundles_that_do_not_fit_are_refused_with_a_table() -> None:
    found = wanted(CORE="true", ALL="false")
    gigabytes = {name: need * 10**9 for name, need in NEEDS.items()}
    with pytest.raises(DoesNotFit) as caught:
        fitting(found, gigabytes, 70 * 10**9)
    lines = str(caught.value).splitlines()
    assert lines[0] == "requested: 73.0 GB, room: 70.0 GB; nothing is fetched. By bundle:"
    assert [line.split()[0] for line in lines[1:-1]] == ["CORE", "CLIP", "VAE"]


def test_installed_bundles_need_no_room() -> None:
    found = wanted(CORE="true", ALL="false")
    assert fitting(found, dict.fromkeys(NEEDS, 0), -5).bundles == ("CORE", "CLIP", "VAE")


@given(st.integers(-10, 300), st.sets(st.sampled_from(sorted(NEEDS))))
def test_the_selected_bundles_always_fit(room: int, off: set[str]) -> None:
    found = wanted(**dict.fromkeys(off, "false"))
    fit = fitting(found, NEEDS, room)
    assert fit.need <= max(room, 0)
    assert not set(fit.bundles) & off


def test_the_margin_is_2_gb_or_2_percent_and_never_most_of_a_small_disk() -> None:
    assert [margin(10**9 * size) for size in (1, 20, 1000)] == [250_000_000, 2 * 10**9, 20 * 10**9]
