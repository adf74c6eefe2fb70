"""nvidia-smi's XML."""

import pytest

from entrypoint.gpu.smi import Card, parse
from tests.support.gpu_host import HEALTHY, XML


def card(**changes: object) -> Card:
    driver, cards = parse(XML.format(**HEALTHY | changes))
    assert driver == "570.133.20"
    (found,) = cards
    return found


def test_a_healthy_card() -> None:
    assert card() == Card(
        name="NVIDIA GeForce RTX 4090", uuid="GPU-aaaa", memory_used=900 << 20, memory_total=24564 << 20, generation=4,
        max_generation=4, width=16, max_width=16, uncorrectable=0, power_limit=450, default_power_limit=450,
        temperature=61,
    )  # fmt: skip


def test_what_is_wrong_with_a_card() -> None:
    assert card(ecc=3).uncorrectable == 3
    assert card(ecc="N/A").uncorrectable == 0  # of the other memory
    assert card(remap="Yes").retired == "a faulty row of its memory waits to be replaced"
    assert card(hot="Active").slowdown == "heat"


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("clocks_event_reason", "clocks_throttle_reason", "slowdown", "heat"),
        ("gpu_power_readings", "power_readings", "default_power_limit", 450.0),
        ("current_power_limit", "power_limit", "power_limit", 450.0),
        ("remapped_row_pending", "remapped_row_failure", "retired", "a faulty row of its memory could not be replaced"),
        ("fb_memory_usage", "other", "memory_used", None),
        ("ecc_errors", "other", "uncorrectable", None),
        ("hw_thermal_slowdown", "other", "slowdown", "hardware slowdown"),
    ],
)
def test_other_drivers_names(old: str, new: str, field: str, value: object) -> None:
    text = XML.format(**HEALTHY | {"hot": "Active", "remap": "Yes"}).replace(old, new)
    assert getattr(parse(text)[1][0], field) == value


@pytest.mark.parametrize("text", ["", "NVIDIA-SMI has failed", "<nvidia_smi_log>", "\0", "<a/>"])
def test_no_xml_is_no_card(text: str) -> None:
    assert parse(text) == ("", ())
