"""Every reader of the pod's own folders survives whatever is found in the place of a file."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoint.boot.own_folders import make_own_folders, make_runtime_folder
from entrypoint.comfyui.manager import value_of
from entrypoint.comfyui.manager_config import apply_security_level
from entrypoint.commands.logs import main as show_logs
from entrypoint.commands.logs import tail
from entrypoint.conditions.condition import Condition
from entrypoint.doctor.collect_services import log as log_for_doctor
from entrypoint.doctor.collect_services import programs as doctors_programs
from entrypoint.doctor.support_bundle import end_of
from entrypoint.door.kept_secrets import KeptSecrets
from entrypoint.models.bundle_requests import remove_requests, requested_bundles
from entrypoint.models.catalogue.builtin import local_manifest
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.models.download import lease
from entrypoint.models.download.chunks import Identity
from entrypoint.models.download.part_file import PartFile
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.tokens import keep_logins, logins
from entrypoint.models.state_file import another_run_reports, write_state
from entrypoint.models.store import ModelStore
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity as User
from entrypoint.status import log_view
from entrypoint.status.collect import Collector
from entrypoint.status.snapshot import as_json, make_snapshot
from entrypoint.supervision.exits import Reason
from entrypoint.supervision.journal import Journal
from entrypoint.supervision.kill_notes import take_kill_note, take_restart_request, write_kill_note
from entrypoint.supervision.log_forwarder import Followed, mark_log_starts
from entrypoint.supervision.prober.log_tail import LogTail
from entrypoint.supervision.prober.loop import Programs
from entrypoint.system.attach import Pod, attach
from entrypoint.system.condition_store import clear_condition, conditions_since, raise_condition
from entrypoint.system.files import read_table, remove
from entrypoint.system.known_secrets import known_secrets
from entrypoint.system.redaction import Redactor
from entrypoint.volumes import __main__ as volumes
from entrypoint.volumes.pass_record import delay_s
from entrypoint.volumes.rules import Rule
from tests.support.leftovers import LEFTOVERS, full_folder

pytestmark = pytest.mark.timeout(20)  # a reader that blocks is a failure
ME = User(os.geteuid(), os.getegid())
#: What no reader may show of a file that a link leads to: this one.
WORDS = "of a file that a link leads to"
FILE = File(bundle="B", source="url", dest="loras/a", keys={"url": "https://example.com/a"})


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=sys.executable)
    settings = Settings(home=str(tmp_path / "pod"))
    paths = locate(settings, facts)
    make_runtime_folder(paths)
    make_own_folders(paths, ME)
    state = paths.models_state
    folders = (paths.data, paths.kept_secrets, f"{paths.runtime}/secrets")
    for each in (*folders, f"{state}/receipts", f"{state}/models-wanted"):
        os.makedirs(each, exist_ok=True)
    return Pod(settings=settings, paths=paths, environ=paths.to_environ(), supervisord=0)


def store(paths: Paths) -> ModelStore:
    return ModelStore.of(paths)


def receipt_of(paths: Paths) -> str:
    """Where the store has the receipt of FILE."""
    target = Path(store(paths).path(FILE))
    target.parent.mkdir(parents=True)
    target.write_text("model")
    store(paths).write_receipt(FILE, "0" * 64, True, fetched=True)
    (found,) = Path(paths.models_state, "receipts").iterdir()
    return str(found)


def read_conditions(pod: Pod, path: str) -> None:
    runtime = pod.paths.runtime
    for condition, since in conditions_since(runtime):
        assert f"{condition}{since}".isprintable()
        assert f"{condition}".encode()
    assert raise_condition(runtime, Condition("NoGpu", "a", "b"))
    assert [each.name for each, _ in conditions_since(runtime)] == ["NoGpu"]
    assert clear_condition(runtime, "NoGpu")
    assert not os.path.lexists(path)


def read_snapshot(pod: Pod, path: str) -> None:
    collector = Collector(pod.settings, pod.paths)
    text = json.dumps(as_json(make_snapshot(pod.settings, collector.collect({})), Redactor([])))
    assert json.loads(text)


def read_programs(pod: Pod, path: str) -> None:
    doctors_programs(pod)
    assert isinstance(Programs(path).pid("jupyter"), int)
    read_snapshot(pod, path)


def read_restarts(pod: Pod, path: str) -> None:
    doctors_programs(pod)
    read_snapshot(pod, path)
    warned: list[str] = []
    Journal(pod.paths.runtime, 9, warned.append).add_restart("jupyter", 1, Reason("exit", "x"), 1.0, 1.0)
    assert warned == []
    assert read_table(path)["restarts"]


def read_models(pod: Pod, path: str) -> None:
    assert not another_run_reports(pod.paths.runtime)
    read_snapshot(pod, path)
    write_state(pod.paths.runtime, "off")
    assert read_table(path)["state"] == "off"


def read_volumes(pod: Pod, path: str) -> None:
    read_snapshot(pod, path)
    rule = Rule(path="/x", policy="top", uid=0, gid=0)
    for record in volumes.records(pod.paths.runtime).values():
        assert delay_s(record, rule, 1.0) == 0


def read_positions(pod: Pod, path: str) -> None:
    for position in (*read_table(path).values(), None):
        assert Followed("x", f"{pod.paths.log}/x.log", position).new_lines() == []


def read_kill_note(pod: Pod, path: str) -> None:
    assert take_kill_note(pod.paths.runtime, "x", 7) is None
    write_kill_note(pod.paths.runtime, "x", 7, Reason("hang", "y"))
    assert take_kill_note(pod.paths.runtime, "x", 7) == Reason("hang", "y")


def read_restart_request(pod: Pod, path: str) -> None:
    assert take_restart_request(pod.paths.runtime, "comfyui")
    assert not take_restart_request(pod.paths.runtime, "comfyui")


def read_secret(pod: Pod, path: str) -> None:
    known_secrets(pod)
    logins(pod.paths, {})
    keep_logins(pod.settings, pod.paths)
    assert not os.path.lexists(path)


def read_pid(pod: Pod, path: str) -> None:
    assert attach({**pod.environ, **pod.settings.to_environ()}).supervisord == 0


def read_request(pod: Pod, path: str) -> None:
    assert requested_bundles(pod.paths) == {"FLUX"}
    remove_requests(pod.paths, ["FLUX"])
    assert requested_bundles(pod.paths) == frozenset()


def read_manifest(pod: Pod, path: str) -> None:
    if os.path.exists(path):
        with pytest.raises(BadManifest) as caught:
            local_manifest(pod.settings, pod.paths)
        assert "\n" not in str(caught.value)


def read_receipt(pod: Pod, path: str) -> None:
    assert store(pod.paths).receipt(FILE) == {}
    store(pod.paths).write_receipt(FILE, "0" * 64, True, fetched=True)
    assert store(pod.paths).receipt(FILE)["sha256"] == "0" * 64


def read_lease(pod: Pod, path: str) -> None:
    assert lease.acquire(os.path.dirname(path), 0.0)


def read_part(pod: Pod, path: str) -> None:
    Path(path).parent.joinpath("part.z").write_bytes(b"12345")
    part = PartFile(os.path.dirname(path), "owner", Identity("x", 5, 1))
    assert part.done == {}
    part.close()


def read_kept_secret(pod: Pod, path: str) -> None:
    known_secrets(pod)
    kept = KeptSecrets(pod.paths, shared=False)
    assert WORDS not in kept.read("jupyter_token")
    kept.close()


def read_page_of_log(pod: Pod, path: str) -> None:
    for search in ("", "a"):
        with contextlib.suppress(OSError):
            assert WORDS not in str(log_view.view(path, search, log_view.MAX_LINES, Redactor([])))


def read_log_for_doctor(pod: Pod, path: str) -> None:
    assert log_for_doctor(pod).keys() <= {"problem", "blocked", "errors"}
    assert WORDS not in str(log_for_doctor(pod))


def read_end(pod: Pod, path: str) -> None:
    with contextlib.suppress(OSError):
        assert WORDS not in end_of(path)


def read_log_in_terminal(pod: Pod, path: str) -> None:
    with contextlib.suppress(OSError):
        assert WORDS.encode() not in b"".join(tail(path, 1000)[0])


def replace_by_log(path: str) -> None:
    Path(f"{path}.new").write_text("a log again\n")
    remove(path)
    os.rename(f"{path}.new", path)


def forward_log(pod: Pod, path: str) -> None:
    mark_log_starts(pod.paths)
    log = Followed("x", path, None)
    for _ in range(3):
        assert WORDS.encode() not in b"".join(log.new_lines())
    replace_by_log(path)
    found = (line for _ in range(200) for line in log.new_lines())  # a huge file takes a call for each of its megabytes
    assert any(line.endswith(b"| a log again\n") for line in found)


def read_log_in_prober(pod: Pod, path: str) -> None:
    log = LogTail(path)
    log.skip()
    assert log.lines() == []
    replace_by_log(path)
    assert log.lines() == ["a log again"]


def read_managers_config(pod: Pod, path: str) -> None:
    node = Path(pod.paths.data, "custom_nodes/ComfyUI-Manager")
    node.mkdir(parents=True)
    (node / "pyproject.toml").write_text('version = "3.38.0"\n')
    (found,) = apply_security_level(Settings(comfyui_auth="none"), pod.paths, included=False)
    assert found.name == ("ManagerRestricted" if os.path.isfile(path) else "ManagerNotSettled")
    if found.name == "ManagerRestricted":
        assert value_of(Path(path).read_text(), "security_level") == "strong"


def place_of_managers_config(paths: Paths) -> str:
    os.makedirs(f"{paths.data}/user/__manager")
    return f"{paths.data}/user/__manager/config.ini"


READERS: dict[str, tuple[Callable[[Paths], str], Callable[[Pod, str], None]]] = {
    "a condition": (lambda paths: f"{paths.runtime}/conditions/NoGpu.json", read_conditions),
    "programs.json": (lambda paths: f"{paths.runtime}/programs.json", read_programs),
    "restarts.json": (lambda paths: f"{paths.runtime}/restarts.json", read_restarts),
    "models.json": (lambda paths: f"{paths.reports}/models.json", read_models),
    "volumes.json": (lambda paths: f"{paths.runtime}/volumes.json", read_volumes),
    "log_positions.json": (lambda paths: f"{paths.reports}/log_positions.json", read_positions),
    "a kill note": (lambda paths: f"{paths.requests}/x.killed-because", read_kill_note),
    "a restart request": (lambda paths: f"{paths.requests}/comfyui.reboot", read_restart_request),
    "a copy of a secret": (lambda paths: f"{paths.runtime}/secrets/HF_TOKEN", read_secret),
    "supervisord's pid": (lambda paths: f"{paths.runtime}/supervisord.pid", read_pid),
    "a requested bundle": (lambda paths: f"{paths.models_state}/models-wanted/FLUX", read_request),
    "the manifest": (lambda paths: f"{paths.data}/models.toml", read_manifest),
    "a receipt": (receipt_of, read_receipt),
    "a lease": (lambda paths: f"{paths.models_state}/receipts/lease", read_lease),
    "a log, status page": (lambda paths: f"{paths.log}/jupyter.log", read_page_of_log),
    "a log, doctor": (lambda paths: f"{paths.log}/jupyter.log", read_log_for_doctor),
    "a log, bundle": (lambda paths: f"{paths.log}/jupyter.log", read_end),
    "a log, podkeeper logs": (lambda paths: f"{paths.log}/jupyter.log", read_log_in_terminal),
    "a log, forwarder": (lambda paths: f"{paths.log}/jupyter.log", forward_log),
    "a log, prober": (lambda paths: f"{paths.log}/jupyter.log", read_log_in_prober),
    "a record, bundle": (lambda paths: f"{paths.reports}/models.json", read_end),
    "a kept secret": (lambda paths: f"{paths.kept_secrets}/jupyter_token", read_kept_secret),
    "ComfyUI-Manager's configuration": (place_of_managers_config, read_managers_config),
    "a journal": (lambda paths: f"{paths.models_state}/receipts/journal.z", read_part),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("leftover", LEFTOVERS)
def test_a_reader_survives_a_leftover(pod: Pod, leftover: str, reader: str) -> None:
    place, read = READERS[reader]
    path = place(pod.paths)
    Path(path).unlink(missing_ok=True)
    LEFTOVERS[leftover](Path(path))
    read(pod, path)


@pytest.mark.parametrize("name", ["x", "NoGpu.json"])
@pytest.mark.parametrize("leftover", LEFTOVERS)
def test_a_start_clears_whatever_is_among_the_conditions(pod: Pod, leftover: str, name: str) -> None:
    LEFTOVERS[leftover](Path(pod.paths.runtime, "conditions", name))
    make_own_folders(pod.paths, ME)
    assert os.listdir(f"{pod.paths.runtime}/conditions") == []


def test_clearing_follows_no_link(pod: Pod, tmp_path: Path) -> None:
    full_folder(tmp_path / "theirs")
    Path(pod.paths.runtime, "conditions/x").symlink_to(tmp_path / "theirs")
    full_folder(Path(pod.paths.runtime, "conditions/y"))
    Path(pod.paths.runtime, "conditions/y/link").symlink_to(tmp_path / "theirs")
    make_own_folders(pod.paths, ME)
    assert (tmp_path / "theirs/sub/file").exists()


@pytest.mark.parametrize("leftover", ["a folder", "a FIFO", "a link to a file"])
def test_podkeeper_logs_names_what_is_no_log(
    pod: Pod, leftover: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    LEFTOVERS[leftover](Path(pod.paths.log, "jupyter.log"))
    Path(pod.paths.log, "comfyui.log").write_text("of ComfyUI\n")
    for name, text in pod.environ.items():
        monkeypatch.setenv(name, text)
    assert show_logs(Namespace(name=["jupyter", "comfyui"], lines=9, follow=False)) == 1
    shown = capsys.readouterr()
    assert f"cannot read {pod.paths.log}/jupyter.log: " in shown.err
    assert "of ComfyUI" in shown.out
    assert WORDS not in shown.out
