"""Which bundles are wanted, and why."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.manifest import Bundle, Manifest
from entrypoint.models.catalogue.wanted import NAMED, REQUESTED, BadFlags, any_flag, scope_of, wanted_bundles

MANIFEST = Manifest(
    (
        Bundle(name="CORE", implies=("CLIP", "VAE")),
        Bundle(name="BIG"),
        Bundle(name="FLUX", default=False),
        Bundle(name="CLIP"),
        Bundle(name="VAE"),
    )
)


def wanted(**flags: str) -> tuple[set[str], set[str]]:
    found, _ = wanted_bundles(MANIFEST, {f"DOWNLOAD_{name}": text for name, text in flags.items()})
    return (
        {each.bundle.name for each in found if each.wanted},
        {each.bundle.name for each in found if each.wanted and each.explicit},
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
    _, notes = wanted_bundles(MANIFEST, {"DOWNLOAD_CLIP": "false"})
    assert notes == ("DOWNLOAD_CLIP=false beats CORE, which needs CLIP: CLIP is left out",)


@pytest.mark.parametrize(
    ("scope", "requested", "flags", "expected"),
    [
        (NAMED, set(), {}, set()),
        (NAMED, set(), {"CORE": "true"}, {"CORE", "CLIP", "VAE"}),
        (NAMED, set(), {"ALL": "true"}, ALL),
        (NAMED, {"FLUX"}, {"BIG": "true"}, {"FLUX", "BIG"}),
        (REQUESTED, set(), {"ALL": "true"}, set()),
        (REQUESTED, {"CORE"}, {"BIG": "true"}, {"CORE", "CLIP", "VAE"}),
        (REQUESTED, {"CORE"}, {"CLIP": "false"}, {"CORE", "VAE"}),
        (REQUESTED, {"CORE", "CLIP"}, {"CLIP": "false"}, {"CORE", "CLIP", "VAE"}),
    ],
)
def test_the_scope_of_a_run(scope: str, requested: set[str], flags: dict[str, str], expected: set[str]) -> None:
    found, _ = wanted_bundles(MANIFEST, {f"DOWNLOAD_{name}": text for name, text in flags.items()}, scope, requested)
    assert {each.bundle.name for each in found if each.wanted} == expected
    assert all(each.explicit for each in found if each.bundle.name in requested)


def test_a_bundle_that_does_not_exist_cannot_be_requested() -> None:
    with pytest.raises(BadFlags, match="there is no bundle FLUXX; the bundles are CORE, BIG, FLUX, CLIP, VAE"):
        wanted_bundles(MANIFEST, {}, REQUESTED, {"FLUXX"})


@pytest.mark.parametrize(("models", "expected"), [("", NAMED), ("auto", "all"), ("none", REQUESTED)])
def test_nothing_is_fetched_unless_a_setting_a_flag_or_a_request_says_so(models: str, expected: str) -> None:
    assert scope_of(models) == expected


def test_an_empty_flag_is_none() -> None:
    assert not any_flag({"DOWNLOAD_CORE": " ", "PATH": "x"})
    assert any_flag({"DOWNLOAD_CORE": "false"})


def test_a_bad_flag_costs_its_own_bundle_alone_and_each_is_reported() -> None:
    found, notes = wanted_bundles(MANIFEST, {"DOWNLOAD_CLIP": "maybe", "DOWNLOAD_CORE": "2", "DOWNLOAD_VAE": "true"})
    wanted = {each.bundle.name: each.wanted for each in found}
    assert (wanted["CLIP"], wanted["CORE"], wanted["VAE"]) == (False, False, True)
    assert notes == (
        "cannot use DOWNLOAD_CORE='2': must be true or false (also 1/0, yes/no, on/off); it counts as false",
        "cannot use DOWNLOAD_CLIP='maybe': must be true or false (also 1/0, yes/no, on/off); it counts as false",
    )


def test_a_flag_of_no_bundle_is_reported() -> None:
    _, notes = wanted_bundles(MANIFEST, {"DOWNLOAD_CLIPS": "true"})
    assert notes == ("DOWNLOAD_CLIPS names no bundle; the bundles are CORE, BIG, FLUX, CLIP, VAE",)
