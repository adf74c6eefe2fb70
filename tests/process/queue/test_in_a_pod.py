"""The queue in a whole pod: what is set aside, draining, and a SIGTERM that waits for the workflow that runs."""

from __future__ import annotations

import json
import pathlib
import signal
import time
import urllib.request
from typing import Any

from entrypoint.system.loopback_http import send
from tests.support.checkout import QUEUE_COMFYUI
from tests.support.pod import TOKEN, Pod, fake_python, running
from tests.support.running_queue import DEADLY, saving
from tests.support.status_server import BEARER, SIBLING, logged_in, status_of
from tests.support.status_server import ask as status_ask
from tests.support.waiting import wait_until


def ask(pod: Pod, path: str, body: Any = None) -> Any:
    """ComfyUI's JSON response, through the door where there is one."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{pod.comfyui_port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or b"null")


def responds(pod: Pod) -> bool:
    try:
        return bool(ask(pod, "/system_stats"))
    except OSError:
        return False


def queue(pod: Pod, graph: dict[str, Any]) -> str:
    return str(ask(pod, "/prompt", {"prompt": graph})["prompt_id"])


def running_ids(pod: Pod) -> list[str]:
    return [item[1] for item in ask(pod, "/queue")["queue_running"]]


def saved(pod: Pod) -> list[str]:
    path = pod.home / "comfyui/output/saved.txt"
    return path.read_text().split() if path.exists() else []


def conditions(pod: Pod) -> set[str]:
    return {path.stem for path in (pod.home / "run/conditions").glob("*.json")}


def test_a_pod_keeps_drains_and_resumes_its_queue(tmp_path: pathlib.Path) -> None:
    """One pod for all, because its start takes longer than the rest."""
    environ = {
        "COMFYUI_ENABLED": "true", "COMFYUI_DIR": str(QUEUE_COMFYUI), "COMFYUI_PYTHON": str(fake_python(tmp_path)),
        "JUPYTER_ENABLED": "false", "STOP_GRACE": "20s", "HF_ENDPOINT": "http://localhost:9",
    }  # fmt: skip
    with running(tmp_path / "home", environ) as pod:
        wait_until(lambda: responds(pod), 30, f"ComfyUI responds; see {pod.output}", 0.1)
        sets_a_deadly_one_aside(pod)
        drains_and_undoes_it(pod)
        last, waits = queue(pod, saving("last", 1.0)), queue(pod, saving("waits"))
        wait_until(lambda: running_ids(pod) == [last], 10, "the last one runs")
        began = time.monotonic()
        assert pod.stop(signal.SIGTERM) == 0
        assert saved(pod)[-1] == "last", pod.log("podkeeper-drain.log")
        assert time.monotonic() - began < 15
        assert "draining for up to 20 s" in pod.log("supervisord.log")
    with running(tmp_path / "home", environ | {"STOP_GRACE": ""}) as pod:
        wait_until(lambda: responds(pod), 30, f"ComfyUI responds; see {pod.output}", 0.1)
        wait_until(lambda: saved(pod)[-2:] == ["last", "waits"], 10, "what waited has run")
        assert "Draining" not in conditions(pod)
        assert list(ask(pod, "/history")) == [waits]
        slow = queue(pod, saving("slow", 60))
        wait_until(lambda: running_ids(pod) == [slow], 10, "it runs")
        began = time.monotonic()
        assert pod.stop(signal.SIGTERM) == 0  # without STOP_GRACE at once
        assert time.monotonic() - began < 10


def sets_a_deadly_one_aside(pod: Pod) -> None:
    deadly = queue(pod, DEADLY)
    wait_until(lambda: "PromptSetAside" in conditions(pod), 40, f"{deadly} is set aside", 0.1)
    wait_until(lambda: responds(pod), 20, "ComfyUI responds again", 0.1)
    assert f"{deadly}  set aside: ComfyUI died 2 times while it ran" in pod.podkeeper("queue", "list").stdout
    assert "no such workflow" in pod.podkeeper("queue", "drop", "nothing").stderr
    (aside,) = status_of(pod)["queue"]["aside"]
    assert aside["id"] == deadly
    for path in (f"{deadly}/drop", "restore", "accept"):  # without the login; by another page; past the door
        assert status_ask(pod, f"/queue/{path}", {}, "POST").status == 401
        foreign = logged_in(pod) | {"Origin": SIBLING, "Sec-Fetch-Site": "same-site"}
        assert status_ask(pod, f"/queue/{path}", foreign, "POST").status in (401, 403)
        assert send("POST", int(pod.environ["STATUS_INTERNAL_PORT"]), f"/queue/{path}", 10, BEARER).status == 401
    for path in ("nothing/drop", f"{deadly}/run", f"{deadly}"):
        assert status_ask(pod, f"/queue/{path}", BEARER, "POST").status in (404, 405)
    assert status_ask(pod, f"/queue/{deadly}/drop", BEARER, "POST").status == 200
    wait_until(lambda: "PromptSetAside" not in conditions(pod), 10, "the condition is over", 0.1)
    assert "PackagesRolledBack" not in conditions(pod)


def drains_and_undoes_it(pod: Pod) -> None:
    first, second = queue(pod, saving("first", 60)), queue(pod, saving("second"))
    wait_until(lambda: running_ids(pod) == [first], 10, "the first runs")
    assert "cancel it in ComfyUI" in pod.podkeeper("queue", "drop", second).stderr
    assert pod.podkeeper("drain", "--grace", "0").returncode == 3  # it still runs
    assert "Draining" in conditions(pod)
    assert "the pod is drained" in pod.podkeeper("queue", "list").stdout
    ask(pod, "/interrupt", {})
    drained = pod.podkeeper("drain", "--grace", "20s")
    assert (drained.returncode, running_ids(pod)) == (0, []), drained
    assert "1 workflow(s) are kept" in drained.stdout
    assert pod.podkeeper("drain", "--undo").returncode == 0
    wait_until(lambda: saved(pod)[-1:] == ["second"], 10, "the second has run")
    assert "Draining" not in conditions(pod)
