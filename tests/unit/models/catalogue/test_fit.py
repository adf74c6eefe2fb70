"""Which bundles are wanted, and which are taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.models.catalogue.fit import DoesNotFit, margin, select
from entrypoint.models.catalogue.manifest import Bundle, Manifest
from entrypoint.models.catalogue.wanted import ASKED, NAMED, BadFlags, any_flag, reach_of, wishes

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


def wanted(**flags: str) -> tuple[set[str], set[str]]:
    found, _ = wishes(MANIFEST, {f"DOWNLOAD_{name}": text for name, text in flags.items()})
    return (
        {wish.bundle.name for wish in found if wish.wanted},
        {wish.bundle.name for wish in found if wish.wanted and wish.explicit},
    )


ALL = {"CORE", "BIG", "CLIP", "VAE"}


@pytest.mark.parametrize(
    ("flags", "expected", "explicit"),
    [
        ({}, ALL, set()),
        ({"ALL": "true"}, ALL, ALL),
        ({"ALL": "off"}, set(), set()),
        ({"ALL": "no", "FLUX": "YES"}, {"FLUX"}, {"FLUX"}),
        ({"FLUX": "1"}, ALL | {"FLUX"}, {"FLUX"}),
        ({"ALL": "false", "CORE": "on"}, {"CORE", "CLIP", "VAE"}, {"CORE", "CLIP", "VAE"}),
        ({"ALL": "false", "CORE": "on", "CLIP": "false"}, {"CORE", "VAE"}, {"CORE", "VAE"}),
        ({"CLIP": "0"}, ALL - {"CLIP"}, set()),
        ({"CORE": ""}, ALL, set()),
    ],
)
def test_flags(flags: dict[str, str], expected: set[str], explicit: set[str]) -> None:
    assert wanted(**flags) == (expected, explicit)


def test_an_explicit_false_beats_an_implication_and_says_so() -> None:
    _, notes = wishes(MANIFEST, {"DOWNLOAD_CLIP": "false"})
    assert notes == ("DOWNLOAD_CLIP=false beats CORE, which needs CLIP: CLIP is left out",)


@pytest.mark.parametrize(
    ("reach", "asked", "flags", "expected"),
    [
        (NAMED, set(), {}, set()),
        (NAMED, set(), {"CORE": "true"}, {"CORE", "CLIP", "VAE"}),
        (NAMED, set(), {"ALL": "true"}, ALL),
        (NAMED, {"FLUX"}, {"BIG": "true"}, {"FLUX", "BIG"}),
        (ASKED, set(), {"ALL": "true"}, set()),
        (ASKED, {"CORE"}, {"BIG": "true"}, {"CORE", "CLIP", "VAE"}),
        (ASKED, {"CORE"}, {"CLIP": "false"}, {"CORE", "VAE"}),
        (ASKED, {"CORE", "CLIP"}, {"CLIP": "false"}, {"CORE", "CLIP", "VAE"}),
    ],
)
def test_how_far_a_run_reaches(reach: str, asked: set[str], flags: dict[str, str], expected: set[str]) -> None:
    found, _ = wishes(MANIFEST, {f"DOWNLOAD_{name}": text for name, text in flags.items()}, reach, asked)
    assert {wish.bundle.name for wish in found if wish.wanted} == expected
    assert all(wish.explicit for wish in found if wish.bundle.name in asked)


def test_a_bundle_that_does_not_exist_cannot_be_asked_for() -> None:
    with pytest.raises(BadFlags, match="there is no bundle FLUXX; the bundles are CORE, BIG, FLUX, CLIP, VAE"):
        wishes(MANIFEST, {}, ASKED, {"FLUXX"})


@pytest.mark.parametrize(
    ("models", "local", "expected"),
    [
        ("", True, NAMED),
        ("", False, "all"),
        ("auto", True, "all"),
        ("none", True, ASKED),
        ("none", False, ASKED),
    ],
)
def test_what_a_start_fetches_by_itself(models: str, local: bool, expected: str) -> None:
    assert reach_of(models, local=local) == expected


def test_an_empty_flag_is_none() -> None:
    assert not any_flag({"DOWNLOAD_CORE": " ", "PATH": "x"})
    assert any_flag({"DOWNLOAD_CORE": "false"})


def test_junk_is_an_error_and_every_one_is_told() -> None:
    with pytest.raises(BadFlags) as caught:
        wishes(MANIFEST, {"DOWNLOAD_CLIP": "maybe", "DOWNLOAD_ALL": "2"})
    assert str(caught.value).splitlines() == [
        "cannot use DOWNLOAD_ALL='2': must be true or false (also 1/0, yes/no, on/off)",
        "cannot use DOWNLOAD_CLIP='maybe': must be true or false (also 1/0, yes/no, on/off)",
    ]


def test_a_flag_for_no_bundle_is_told() -> None:
    _, notes = wishes(MANIFEST, {"DOWNLOAD_CLIPS": "true"})
    assert notes == ("DOWNLOAD_CLIPS names no bundle; the bundles are CORE, BIG, FLUX, CLIP, VAE",)


@pytest.mark.parametrize(
    ("flags", "room", "taken"),
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
def test_defaults_are_taken_in_order_as_far_as_they_fit(
    flags: dict[str, str], room: int, taken: tuple[str, ...]
) -> None:
    found, _ = wishes(MANIFEST, {f"DOWNLOAD_{name}": text for name, text in flags.items()})
    selection = select(found, NEEDS, room)
    assert selection.taken == taken
    assert len(selection.left_out) == sum(wish.wanted for wish in found) - len(taken)


def test_what_is_asked_for_by_name_and_does_not_fit_is_refused_with_a_table() -> None:
    found, _ = wishes(MANIFEST, {"DOWNLOAD_CORE": "true", "DOWNLOAD_ALL": "false"})
    gigabytes = {name: need * 10**9 for name, need in NEEDS.items()}
    with pytest.raises(DoesNotFit) as caught:
        select(found, gigabytes, 70 * 10**9)
    lines = str(caught.value).splitlines()
    assert lines[0] == "asked for: 73.0 GB, room: 70.0 GB; nothing is fetched. By bundle:"
    assert [line.split()[0] for line in lines[1:-1]] == ["CORE", "CLIP", "VAE"]


def test_what_is_there_already_needs_no_room() -> None:
    found, _ = wishes(MANIFEST, {"DOWNLOAD_CORE": "true", "DOWNLOAD_ALL": "false"})
    assert select(found, dict.fromkeys(NEEDS, 0), -5).taken == ("CORE", "CLIP", "VAE")


@given(st.integers(-10, 300), st.sets(st.sampled_from(sorted(NEEDS))))
def test_what_is_taken_always_fits(room: int, off: set[str]) -> None:
    found, _ = wishes(MANIFEST, {f"DOWNLOAD_{name}": "false" for name in off})
    selection = select(found, NEEDS, room)
    assert selection.need <= max(room, 0)
    assert not set(selection.taken) & off


def test_the_margin_is_2_gb_or_2_percent_and_never_most_of_a_small_disk() -> None:
    assert [margin(10**9 * size) for size in (1, 20, 1000)] == [250_000_000, 2 * 10**9, 20 * 10**9]
