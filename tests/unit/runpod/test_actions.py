import pytest

from entrypoint.runpod.actions import action_of, impossible, is_wanted, remedy
from entrypoint.settings.settings import Settings

RUNPOD = {"RUNPOD_POD_ID": "abc123"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({}, False), ({"IDLE_STOP": "30m"}, True), ({"IDLE_STOP": "off"}, False), ({"IDLE_STOP": "OFF"}, False),
     ({"MAX_HOURS": "8"}, True), ({"MAX_HOURS": "0"}, False), ({"MAX_COST": "0.5"}, True),
     ({"COST_PER_HOUR": "1"}, False)],
)  # fmt: skip
def test_whether_the_pod_is_stopped_at_all(environ: dict[str, str], wanted: bool) -> None:
    assert is_wanted(Settings.from_environ(environ)) == wanted


@pytest.mark.parametrize(
    ("environ", "key", "action", "why"),
    [
        (RUNPOD, True, "stop", ""),
        (RUNPOD, False, "stop", "no key of RunPod's"),
        ({}, False, "exit", ""),
        ({}, True, "exit", ""),
        (RUNPOD | {"IDLE_ACTION": "terminate"}, True, "terminate", ""),
        (RUNPOD | {"IDLE_ACTION": "exit"}, True, "exit", "starts its container again"),
        ({"IDLE_ACTION": "stop"}, True, "stop", "works on RunPod only"),
        ({"IDLE_ACTION": "terminate"}, False, "terminate", "works on RunPod only"),
    ],
)
def test_how_it_is_stopped_and_why_it_cannot_be(environ: dict[str, str], key: bool, action: str, why: str) -> None:
    settings = Settings.from_environ(environ)
    found = impossible(settings, key=key)
    assert action_of(settings) == action
    assert why in found
    assert bool(found) == bool(why)
    assert remedy(settings)
