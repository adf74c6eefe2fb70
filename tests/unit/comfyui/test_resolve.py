"""The names of ComfyUI's repository."""

from __future__ import annotations

import pytest

from entrypoint.comfyui.versions.resolve import reference_of, releases

KNOWN = dict.fromkeys(("v0.9.0", "v0.10.0", "v0.10.0-rc1", "master", "nightly", "v0.3.64"), "1" * 40)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("v0.10.0", "v0.10.0"),
        ("0.10.0", "v0.10.0"),
        ("latest", "v0.10.0"),
        ("master", "master"),
        ("0.11.0", ""),
        ("vv0.10.0", ""),
    ],
)
def test_a_name_means_a_tag_or_a_branch(name: str, found: str) -> None:
    assert reference_of(name, KNOWN) == found


def test_releases_are_compared_as_numbers() -> None:
    assert releases(KNOWN) == ["v0.10.0", "v0.9.0", "v0.3.64"]
    assert reference_of("latest", {}) == ""
