"""What ComfyUI's page asks a pod for, through the door at ComfyUI's port: plan, fetch, state."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from entrypoint.system.loopback_http import send
from entrypoint.workflows.jobs import MOST_JOBS
from tests.support.checkout import FAKE_COMFYUI_WITH_FILES
from tests.support.door.running_door import Answer, status_of_length
from tests.support.door.running_door import ask as ask_port
from tests.support.models.origin import Origin
from tests.support.models.pod import MIB
from tests.support.node_repositories import new_repository
from tests.support.pod import TOKEN, Pod, fake_python, running
from tests.support.status_server import wait_for_status
from tests.support.waiting import wait_until
from tests.support.workflows.pod import safetensors, workflow
from tests.support.workflows.shapes import entry, graph, node

BEARER = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
SMALL = safetensors(17)
#: Each has other bytes: a file that is installed under another name is linked.
LARGE = {name: random.Random(name).randbytes(24 * MIB) for name in ("boot.bin", "killed.bin", "stop.bin")}


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as started:
        started.put("v.safetensors", SMALL)
        started.put("w.safetensors", safetensors(18))
        for name, content in LARGE.items():
            started.put(name, content)
        started.put("w.json", json.dumps(workflow(entry("loras", "boot.bin"))).encode())
        started.delay = 0.15
        yield started


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("clicks")
    environ = {
        "JUPYTER_ENABLED": "false", "COMFYUI_ENABLED": "true", "COMFYUI_DIR": str(FAKE_COMFYUI_WITH_FILES),
        "COMFYUI_PYTHON": str(fake_python(folder)), "HF_ENDPOINT": origin.hub_url, "CUDA_VISIBLE_DEVICES": "-1",
        "WORKFLOWS": f"{origin.hub_url}/o/r/resolve/main/w.json?X-Amz-Signature=s3cret",
    }  # fmt: skip
    (folder / "acme").mkdir()
    new_repository(folder / "acme/Probe", {"__init__.py": "NODE_CLASS_MAPPINGS = {}"})
    (folder / "pod/home").mkdir(parents=True)
    (folder / "pod/home/.gitconfig").write_text(f'[url "{folder}/"]\n\tinsteadOf = https://github.com/\n')
    with running(folder / "pod", environ) as started:
        wait_for_status(started)
        wait_until(lambda: ask(started, "state").status == 200, 30, "the door is there", 0.1)
        yield started


def ask(pod: Pod, operation: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    address = f"/podkeeper/workflow/{operation}"
    return ask_port(pod.comfyui_port, address, BEARER if headers is None else headers, method, content, 60)


def planned(pod: Pod, *entries: dict[str, Any]) -> dict[str, Any]:
    answer = ask(pod, "plan", workflow(*entries))
    assert answer.status == 200, answer.body
    return dict(answer.json)


def state(pod: Pod) -> dict[str, Any]:
    return dict(ask(pod, "state").json)


def fetch(pod: Pod, name: str, folder: str = "vae") -> str:
    """Ask for one file; the job's id."""
    plan = planned(pod, entry(folder, name))
    answer = ask(pod, "fetch", {"plan": plan["id"], "title": "a flow", "models": [f"{folder}/{name}"]})
    assert answer.status == 202, answer.body
    return str(answer.json["id"])


def ended(pod: Pod, job: str) -> dict[str, Any]:
    found = wait_until(lambda: [each for each in state(pod)["done"] or () if each["id"] == job], 60, "it ended", 0.1)
    return dict(found[0])


def written(pod: Pod) -> int:
    """Bytes of the running download."""
    job = state(pod)["job"] or {"models": []}
    return sum(each["bytes"] for each in job["models"])


def the_program(pod: Pod, module: str) -> psutil.Process:
    (found,) = [each for each in pod.family() if module in each.cmdline()]
    return found


def test_a_click_comes_before_the_workflows_of_the_start(pod: Pod, origin: Origin) -> None:
    wait_until(lambda: written(pod) > 0, 30, "WORKFLOWS downloads", 0.1)
    assert state(pod)["job"]["kind"] == "boot"
    assert (pod.home / "comfyui/user/default/workflows/w.json").read_bytes() == origin.files["w.json"]
    assert ended(pod, fetch(pod, "w.safetensors", "loras"))["problems"] == []
    assert not (pod.home / "comfyui/models/loras/boot.bin").exists()
    origin.delay = 0.0
    installed = pod.home / "comfyui/models/loras/boot.bin"
    wait_until(installed.exists, 60, "WORKFLOWS has resumed", 0.1)
    # The stand-in for ComfyUI has no classes.
    pod.wait_for_log("WorkflowsIncomplete: 1 of 1 workflows are not complete: ")
    assert installed.read_bytes() == LARGE["boot.bin"]
    assert "s3cret" not in pod.text + pod.log("podkeeper-workflows.log")


def test_a_planned_model_is_fetched_and_the_state_says_so(pod: Pod) -> None:
    plan = planned(pod, entry("vae", "v.safetensors"), entry("vae", "w.safetensors"))
    first = plan["models"][0]
    assert (first["name"], first["state"], first["bytes"]) == ("v.safetensors", "missing", len(SMALL))
    answer = ask(pod, "fetch", {"plan": plan["id"], "title": "my\nflow", "models": ["vae/v.safetensors"], "nodes": []})
    assert answer.status == 202
    done = ended(pod, answer.json["id"])
    assert (done["title"], done["problems"]) == ("my?flow", [])
    models = pod.home / "comfyui/models/vae"
    assert {path.name: path.read_bytes() for path in models.iterdir()} == {"v.safetensors": SMALL}
    assert planned(pod, entry("vae", "v.safetensors"))["models"][0]["state"] == "installed"
    assert set(state(pod)) == {"podkeeper", "waiting", "job", "done", "restart", "restarted"}


@pytest.mark.parametrize(
    ("operation", "body", "status", "words"),
    [
        ("plan", b"no", 400, "this graph is no workflow: it is not JSON"),
        ("plan", b"[]", 400, "its JSON is a list"),
        ("plan", b"", 400, "is no workflow"),
        ("fetch", b"no", 400, "Bad Request"),
        ("fetch", [], 400, "Bad Request"),
        ("fetch", {"models": ["vae/v.safetensors"]}, 400, "Bad Request"),
        ("fetch", {"plan": 5, "models": []}, 400, "Bad Request"),
        ("fetch", {"plan": "0" * 64, "models": ["x"]}, 404, "plan the workflow again"),
        ("fetch", {"plan": "../../../etc/passwd", "models": ["x"]}, 404, "plan the workflow again"),
        ("fetch", {"plan": "%s", "models": ["vae/w.safetensors"]}, 400, "no such model"),
        ("fetch", {"plan": "%s", "models": ["../../x"]}, 400, "no such model"),
        ("fetch", {"plan": "%s", "nodes": ["https://evil.example/x"]}, 400, "no such model"),
        ("fetch", {"plan": "%s", "models": [], "nodes": []}, 400, "no such model"),
        ("fetch", {"plan": "%s", "models": ["x"] * 1001}, 400, "Bad Request"),
        ("fetch", {"plan": "%s", "models": ["x" * 501]}, 400, "Bad Request"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused(pod: Pod, operation: str, body: Any, status: int, words: str) -> None:
    if isinstance(body, dict) and body.get("plan") == "%s":
        body = body | {"plan": planned(pod, entry("vae", "v.safetensors"))["id"]}
    answer = ask(pod, operation, body)
    assert (answer.status, words in answer.json["problem"]) == (status, True), answer.body
    assert state(pod)["waiting"] == []


def test_only_so_many_jobs_wait(pod: Pod) -> None:
    plan = planned(pod, entry("vae", "w.safetensors"))["id"]
    folder = pod.home / "run/reports/workflow-jobs"
    waiting = [folder / f"{number:020d}-00000000.json" for number in range(MOST_JOBS)]
    for path in waiting:
        path.write_text("{}")
    answer = ask(pod, "fetch", {"plan": plan, "models": ["vae/w.safetensors"]})
    for path in waiting:
        path.unlink()
    assert (answer.status, "are waiting already" in answer.json["problem"]) == (503, True)


def test_the_login_the_pods_own_page_and_the_method_count(pod: Pod) -> None:
    port, inner = pod.comfyui_port, int(pod.environ["STATUS_INTERNAL_PORT"])
    cookie = ask_port(port, f"/?token={TOKEN}", {"Accept": "text/html"}).cookie
    sibling = {"Cookie": cookie, "Origin": "https://zzz999-8188.proxy.runpod.net", "Sec-Fetch-Site": "same-site"}
    for operation in ("plan", "fetch", "state"):
        assert ask(pod, operation, b"{}", {}).status == 401
        assert ask(pod, operation, b"{}", sibling | {"Content-Type": "application/json"}).status in (401, 403)
        assert send("POST", inner, f"/workflow/{operation}", 10, BEARER).status == 401  # the server believes the door
    form = {"Authorization": BEARER["Authorization"], "Content-Type": "text/plain"}
    assert [ask(pod, operation, b"{}", form).status for operation in ("plan", "fetch")] == [415, 415]
    assert [ask(pod, operation).status for operation in ("plan", "fetch")] == [405, 405]
    assert ask(pod, "state", b"{}").status == 405
    assert status_of_length(port, "/podkeeper/workflow/plan", BEARER, 33 << 20) == 413


def test_a_download_goes_on_whatever_is_killed(pod: Pod, origin: Origin) -> None:
    origin.delay = 0.15
    job = fetch(pod, "killed.bin", "loras")
    wait_until(lambda: written(pod) > 0, 30, "it downloads", 0.1)
    program = the_program(pod, "entrypoint.workflows")
    the_program(pod, "entrypoint.status").send_signal(signal.SIGKILL)
    wait_for_status(pod)
    wait_until(lambda: ask(pod, "state").status == 200, 30, "the state is there again", 0.1)
    assert program.is_running()
    program.send_signal(signal.SIGKILL)
    origin.delay = 0.0
    assert ended(pod, job)["problems"] == []
    assert (pod.home / "comfyui/models/loras/killed.bin").read_bytes() == LARGE["killed.bin"]


def test_a_stop_is_a_cancellation(pod: Pod, origin: Origin) -> None:
    origin.delay = 0.15
    job = fetch(pod, "stop.bin", "loras")
    wait_until(lambda: written(pod) > 0, 30, "it downloads", 0.1)
    assert pod.podkeeper("stop", "workflows").returncode == 0
    origin.delay = 0.0
    assert "stopped; downloaded bytes are kept" in ended(pod, job)["problems"][0]
    assert state(pod)["waiting"] == []
    done = ended(pod, fetch(pod, "v.safetensors", "loras"))  # the next one does not resume it
    assert done["problems"] == []
    assert not (pod.home / "comfyui/models/loras/stop.bin").exists()


def test_a_node_is_installed_and_comfyui_restarts_once_its_queue_is_empty(pod: Pod) -> None:
    probe = node(1, "Probe", properties={"cnr_id": "", "aux_id": "acme/Probe"})
    plan = dict(ask(pod, "plan", graph(probe)).json)
    assert [(each["install"], each["state"]) for each in plan["nodes"]] == [("acme/Probe", "missing")]
    before = comfyui_pid(pod)
    answer = ask(pod, "fetch", {"plan": plan["id"], "nodes": ["acme/Probe"]})
    done = ended(pod, answer.json["id"])
    assert (done["problems"], [each["state"] for each in done["nodes"]]) == ([], ["installed"])
    assert (pod.home / "comfyui/custom_nodes/Probe/__init__.py").exists()
    wait_until(lambda: state(pod)["restarted"] > done["at"], 30, "ComfyUI has been restarted", 0.1)
    wait_until(lambda: comfyui_pid(pod) not in (0, before), 30, "another process", 0.1)


def comfyui_pid(pod: Pod) -> int:
    programs = json.loads((pod.home / "run/programs.json").read_text())["programs"]
    return int(programs["comfyui"]["pid"])


def test_no_secret_is_in_an_answer(pod: Pod) -> None:
    secrets = [TOKEN, Path(pod.home, "run/door_secret").read_text()]
    for answer in (ask(pod, "state"), ask(pod, "plan", workflow(entry("vae", f"{TOKEN}.safetensors")))):
        assert not any(secret.encode() in answer.body for secret in secrets)
