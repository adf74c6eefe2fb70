"""No destination of a manifest is below another one."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.manifest import BadManifest, parse


def _manifest(*places: str) -> str:
    files = (
        f'[[files]]\nbundle = "A"\nsource = "url"\nurl = "https://h/{number}"\ndest = "{place}"\n'
        for number, place in enumerate(places)
    )
    return "schema = 1\n[bundles.A]\n" + "".join(files)


@pytest.mark.parametrize(
    "places", [("loras/x", "loras/x/y"), ("loras/x/y/z", "loras/x"), ("checkpoints/x", "checkpoint_models/x/y")]
)
def test_a_destination_below_another_is_refused(places: tuple[str, ...]) -> None:
    with pytest.raises(BadManifest, match="below the destination of another file"):
        parse(_manifest(*places), "m")


def test_a_common_folder_or_beginning_is_none() -> None:
    assert len(parse(_manifest("loras/x", "loras/xy/z", "loras/xy/w"), "m").bundles[0].files) == 3
