"""A snapshot of the pod, from files and responses of any shape."""

import json
from typing import Any

import pytest

from entrypoint.conditions.condition import Condition
from entrypoint.settings.services import SERVICES, service_named
from entrypoint.settings.settings import Settings
from entrypoint.status.schema import SCHEMA, Disk, Gpu, Program, Service, Snapshot
from entrypoint.status.snapshot import Usage, as_json, make_snapshot
from entrypoint.system.redaction import Redactor
from tests.support.snapshots import NOW, observations

JUPYTER = service_named("jupyter")


def service(name: str = "jupyter", settings: Settings | None = None, **changes: Any) -> Service:
    snapshot = make_snapshot(settings or Settings(), observations(**changes))
    return next(each for each in snapshot.services if each.name == name)


def written(**facts: Any) -> dict[str, Any]:
    basis = {
        "state": "RUNNING",
        "pid": 7,
        "started": NOW - 10,
        "restarts": 0,
        "next_start": None,
        "reason": "",
    }
    return {"supervisord": 1, "programs": {"jupyter": basis | facts}}


OLD = NOW - JUPYTER.startup_grace - 1


@pytest.mark.parametrize(
    ("facts", "answers", "enabled", "health"),
    [
        ({}, {"jupyter": None}, True, "up"),
        ({}, {"jupyter": "refused"}, True, "starting"),
        ({"started": OLD}, {"jupyter": "refused"}, True, "silent"),
        ({"started": OLD}, {}, True, "starting"),  # not asked: no reason for an alarm
        ({"state": "STARTING"}, {}, True, "starting"),
        ({"state": "BACKOFF"}, {"jupyter": "refused"}, True, "restarting"),
        ({"state": "STOPPING"}, {}, True, "stopping"),
        ({"state": "STOPPED"}, {}, True, "stopped"),
        ({"state": "STOPPED"}, {}, False, "off"),
        ({"state": "EXITED"}, {}, True, "failed"),
        ({"state": "FATAL"}, {}, True, "failed"),
        ({"state": "SOMETHING NEW"}, {}, True, "unknown"),
        ({}, {"jupyter": None}, False, "up"),  # switched off, but started by hand
    ],
)
def test_a_services_health_in_one_word(
    facts: dict[str, Any], answers: dict[str, str | None], enabled: bool, health: str
) -> None:
    settings = Settings(jupyter_enabled=enabled)
    assert service(settings=settings, programs=written(**facts), answers=answers).health == health


def test_supervisords_state_wins_over_the_written_state() -> None:
    info = {"name": "jupyter", "statename": "STOPPED", "pid": 0, "start": NOW - 5, "exitstatus": 0}
    found = service(programs=written(restarts=3, reason="hung"), processes=[info])
    assert (found.state, found.pid, found.started) == ("STOPPED", 0, None)
    assert (found.restarts, found.reason, found.exit_code) == (3, "hung", 0)


def test_the_next_start_is_known_only_while_a_program_waits_for_it() -> None:
    assert service(programs=written(state="BACKOFF", next_start=NOW + 9)).next_start == NOW + 9
    assert service(programs=written(next_start=NOW + 9)).next_start is None


def test_without_any_file_there_is_still_a_snapshot() -> None:
    snapshot = make_snapshot(Settings(), observations())
    assert [each.state for each in snapshot.services] == ["UNKNOWN"] * len(SERVICES)
    assert not snapshot.supervised
    assert (snapshot.restarts, snapshot.conditions, snapshot.volumes) == ((), (), ())


@pytest.mark.parametrize("nonsense", [None, 3, "x", [], [None], {}, {"programs": 3}, {"restarts": [3, {}]},
                                      {"programs": {"jupyter": 3}}, {"a": {"time": "x"}}])  # fmt: skip
def test_malformed_files_do_not_break_a_snapshot(nonsense: Any) -> None:
    made = make_snapshot(
        Settings(),
        observations(
            programs=nonsense,
            restarts=nonsense,
            models=nonsense,
            volumes=nonsense,
            nodes=nonsense,
            queue=nonsense,
            node_work=nonsense,
            processes=nonsense if isinstance(nonsense, list) else None,
        ),
    )
    assert json.dumps(as_json(made, Redactor([])))


def test_helpers_are_all_other_programs() -> None:
    infos = [
        {"name": "jupyter", "statename": "RUNNING"},
        {"name": "volumes", "statename": "EXITED", "exitstatus": 0},
    ]
    (helper,) = make_snapshot(Settings(), observations(processes=infos)).helpers
    assert (helper.name, helper.title, helper.state, helper.exit_code) == (
        "volumes",
        "Volume pass",
        "EXITED",
        0,
    )


@pytest.mark.parametrize(
    ("answers", "conditions", "health"),
    [
        ({"jupyter": None, "comfyui": None}, (), "healthy"),
        ({"jupyter": None, "comfyui": "refused"}, (), "degraded"),
        ({"jupyter": None, "comfyui": None}, ("VolumeFull",), "degraded"),
        ({"jupyter": None, "comfyui": None}, ("NoGpu",), "healthy"),
        ({"jupyter": "refused", "comfyui": None}, (), "unhealthy"),
    ],
)
def test_the_pods_health_is_the_healthchecks(
    answers: dict[str, str | None], conditions: tuple[str, ...], health: str
) -> None:
    made = make_snapshot(
        Settings(),
        observations(
            answers=answers,
            conditions=tuple((Condition(name, "why", "what to do"), NOW) for name in conditions),
        ),
    )
    assert made.health == health
    assert made.summary.startswith(health)


def test_the_json_has_every_field_and_no_secret() -> None:
    made = make_snapshot(
        Settings(pod_id="abc123"),
        observations(
            conditions=((Condition("X", "a login s3cret-token in it", "r"), NOW),),
            restarts={"restarts": [{"time": 1.0, "reason": "see http://h/?token=abcdefgh"}]},
            usage={"jupyter": Usage(5, 1.5)},
            disks=(Disk(name="volume", path="/workspace", size_bytes=9, used_bytes=4, free_bytes=5, problem=""),),
            gpus=(Gpu(index=0, name="H200", used_percent=1.0, memory_used_bytes=1, memory_size_bytes=2,
                      temperature_celsius=None, power_watts=None),),
        ),
    )  # fmt: skip
    content = json.loads(json.dumps(as_json(made, Redactor(["s3cret-token"]))))
    assert set(content) == set(Snapshot.__slots__)
    assert set(content["services"][0]) == {*Program.__slots__, *Service.__slots__}
    assert content["schema"] == SCHEMA
    assert content["urls"]["jupyter"] == "https://abc123-8189.proxy.runpod.net/"
    assert content["services"][0]["memory_bytes"] == 5
    assert content["conditions"][0]["reason"] == "a login [secret] in it"
    assert content["restarts"][0]["reason"] == "see http://h/?token=[secret]"
