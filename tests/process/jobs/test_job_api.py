"""The job API of a pod: each job ends once, in its files or in a named failure, whatever ends meanwhile."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.job_pod import JOBS, comfyui, send, workflow
from tests.support.pod import Pod
from tests.support.status_server import BEARER, ask, wait_for_status
from tests.support.waiting import wait_until

LOADER = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "b.safetensors"}}
#: Names of classes that ComfyUI does not have, or that cannot describe themselves.
UNKNOWN = ("Nope", "", "..", "../queue", "a/b", "a?b#c", "Broken", "x" * 9000, "\ud800", 5)
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("jobs")
    found = Pod(folder / "home", {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", **comfyui(folder)})
    try:
        wait_for_status(found)
        yield found
    finally:
        found.stop()


def job(pod: Pod, name: str, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(pod, f"{JOBS}/{name}{query}", BEARER).text)
    return found


def ended(pod: Pod, name: str, timeout: float = 60) -> dict[str, Any]:
    def once() -> dict[str, Any] | None:
        found = job(pod, name)
        return found if found["state"] in ("done", "failed") else None

    return wait_until(once, timeout, f"the job {name} ends; see {pod.output}", 0.1)


def runs_of(pod: Pod, prompt_id: str) -> int:
    """How often the stand-in began a prompt."""
    return (pod.home / "comfyui/ran").read_text().split().count(prompt_id)


def process_of(pod: Pod, words: str) -> psutil.Process:
    return wait_until(
        lambda: next((each for each in pod.family() if words in " ".join(each.cmdline())), None), 30, words
    )


def test_names_of_classes_may_have_any_sign_and_be_many(pod: Pod) -> None:
    for others in ([], [f"Nope {number}" for number in range(150)]):
        request = {"workflow": workflow(("Ein/100% Größe", {}))}
        request["workflow"] |= {f"n{each}": {"class_type": each} for each in others}
        found = send(pod, request, "?wait=60")[1]
        assert found["state"] == ("failed" if others else "done"), found
        assert "Größe" not in str(found.get("failure")), found


def test_a_job_waits_runs_and_has_its_files(pod: Pod) -> None:
    loads = {"1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}}
    request = {
        "workflow": workflow() | loads,
        "inputs": {"cat.png": PNG},
        "set": {"SaveImage.filename_prefix": "mine"},
        "id": "first",
    }
    status, found = send(pod, request, "?wait=60&inline=1")
    assert (status, found["state"], found["progress"]) == (200, "done", 1.0), found
    (file,) = found["files"]
    assert file["place"].startswith("mine_")
    assert file["url"].endswith(f"/view?filename={file['place']}&subfolder=&type=output")
    assert base64.b64decode(file["data"]).startswith(b"\x89PNG")
    wait_until(lambda: not (pod.home / "comfyui/input/jobs").exists(), 10, "the input is gone")
    assert send(pod, request)[0] == 200  # again: its result, and no second run
    assert runs_of(pod, found["prompt_id"]) == 1
    assert "first" in [each["id"] for each in json.loads(ask(pod, JOBS, BEARER).text)["jobs"]]


@pytest.mark.parametrize(
    ("request_", "status", "name"),
    [
        ("{", 400, None),
        ("[" * 90_000, 400, None),
        ({}, 400, "BadRequest"),
        *(({"workflow": workflow() | {"7": {"class_type": each}}}, 200, "NodeMissing") for each in UNKNOWN),
        ({"workflow": workflow(("Fail", {}))}, 200, "NodeFailed"),
        ({"workflow": workflow(), "set": {"1.width": 0}}, 200, "BadValue"),
        ({"workflow": workflow(), "set": {"9.filename_prefix": "../../x"}}, 200, "BadValue"),
        ({"workflow": workflow(), "inputs": {"a.png": PNG}}, 200, "BadInput"),
        ({"workflow": workflow(), "inputs": {"a.png": {"path": "/etc/passwd"}}}, 200, "BadInput"),
        ({"workflow": workflow(), "inputs": {"a.png": {"url": "http://169.254.169.254/"}}}, 200, "BadInput"),
        ({"workflow": workflow(), "inputs": {"a.png": {"url": "file:///etc/passwd"}}}, 200, "BadInput"),
        ({"workflow": workflow(), "inputs": {"a.png": {"url": "http://no.invalid/a"}}}, 200, "InputUnreachable"),
        ({"workflow": {"1": LOADER}}, 200, "ModelMissing"),
        ({"workflow": workflow(("Wait", {"seconds": 60})), "timeout": 0.5}, 200, "TimedOut"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_a_name(pod: Pod, request_: Any, status: int, name: str | None) -> None:
    found_status, found = send(pod, request_, "?wait=60")
    assert found_status == status, found
    assert (found.get("failure") or {}).get("name") == name, found
    assert "Traceback" not in json.dumps(found)


def test_cancelled(pod: Pod) -> None:
    send(pod, {"workflow": workflow(("Wait", {"seconds": 60})), "id": "long"})
    wait_until(lambda: job(pod, "long")["state"] == "running", 30, "it runs")
    assert ask(pod, f"{JOBS}/long", BEARER, "DELETE").status == 202
    assert ended(pod, "long")["failure"]["name"] == "Cancelled"


def test_events_follow_a_job_to_its_end(pod: Pod) -> None:
    send(pod, {"workflow": workflow(("Wait", {"seconds": 0.5})), "id": "followed"})
    text = ask(pod, f"{JOBS}/followed/events", BEARER).text
    states = [json.loads(line[6:])["state"] for line in text.splitlines() if line.startswith("data: ")]
    assert states[-1] == "done"
    assert len(states) > 1


def test_a_killed_comfyui_and_a_killed_runner_lose_no_job_and_double_none(pod: Pod) -> None:
    names = [f"many-{number}" for number in range(12)]
    for name in names:
        send(pod, {"workflow": workflow(("Wait", {"seconds": 0.3})), "id": name})
    for words in ("job_comfyui/main.py", "entrypoint.jobs", "job_comfyui/main.py"):
        wait_until(lambda: any(job(pod, name)["state"] == "running" for name in names), 60, "one runs", 0.02)
        process_of(pod, words).kill()
        if "main" in words:
            wait_until(lambda: not any(job(pod, name)["state"] == "running" for name in names), 10, "noticed", 0.02)
    results = {name: ended(pod, name, 90) for name in names}
    assert {found["state"] for found in results.values()} == {"done"}, results
    for found in results.values():
        assert len(found["files"]) == 1
        assert 1 <= runs_of(pod, found["prompt_id"]) <= 1 + found["ends"] + 1


def test_a_job_that_ends_comfyui_twice_fails_and_is_not_tried_for_ever(pod: Pod) -> None:
    send(pod, {"workflow": workflow(("EndComfyUI", {})), "id": "ends"})
    send(pod, {"workflow": workflow(), "id": "after"})
    found = ended(pod, "ends", 90)
    assert (found["failure"]["name"], found["failure"]["retry"], found["ends"]) == ("EndsComfyUI", False, 2)
    assert runs_of(pod, found["prompt_id"]) == 2
    assert ended(pod, "after", 90)["state"] == "done"


@pytest.mark.parametrize(("method", "path"), [
    ("GET", JOBS), ("POST", JOBS), ("GET", f"{JOBS}/first"), ("DELETE", f"{JOBS}/first"),
    ("GET", f"{JOBS}/first/events"), ("GET", "/podkeeper/openapi.json"),
])  # fmt: skip
def test_nothing_without_the_login(pod: Pod, method: str, path: str) -> None:
    assert ask(pod, path, {}, method, "{}" if method == "POST" else "").status == 401
    foreign = BEARER | {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    if method in ("POST", "DELETE"):
        cookie = {"Cookie": "podkeeper-x=1", "Origin": "https://evil.example"}
        assert ask(pod, path, cookie, method, "{}" if method == "POST" else "").status in (401, 403), foreign


@pytest.mark.parametrize(("path", "method", "status"), [
    (f"{JOBS}/nope", "GET", 404), (f"{JOBS}/nope", "DELETE", 404), (f"{JOBS}/nope/events", "GET", 404),
    (f"{JOBS}/..%2f..%2fetc", "GET", 404), (f"{JOBS}/first?wait=1000", "GET", 400),
    (f"{JOBS}/first?wait=x", "GET", 400),
    (f"{JOBS}/first", "PUT", 405),
])  # fmt: skip
def test_odd_requests(pod: Pod, path: str, method: str, status: int) -> None:
    assert ask(pod, path, BEARER, method).status == status


def test_a_body_of_100_mb_is_refused(pod: Pod) -> None:
    headers = BEARER | {"Content-Length": str(100 << 20)}
    assert ask(pod, JOBS, headers, "POST").status == 413


def test_podkeeper_run_in_the_pod(pod: Pod, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(json.dumps(workflow()))
    made = pod.podkeeper(
        "run", str(tmp_path / "w.json"), "--set", "9.filename_prefix=run", "--out", str(tmp_path / "out"), "--id", "r"
    )
    assert made.returncode == 0, made.stderr
    (path,) = made.stdout.splitlines()[-1:]
    assert Path(path).parent == tmp_path / "out"
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    again = pod.podkeeper("run", str(tmp_path / "w.json"), "--out", str(tmp_path / "out"), "--id", "r")
    assert (again.returncode, len(os.listdir(tmp_path / "out"))) == (0, 1)
    wrong = pod.podkeeper("run", str(tmp_path / "w.json"), "--set", "1.width=0", "--result", str(tmp_path / "r.json"))
    assert wrong.returncode == 65
    assert json.loads((tmp_path / "r.json").read_text())["failure"]["name"] == "BadValue"


def test_a_list_is_a_job_for_each_line(pod: Pod, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(json.dumps(workflow()))
    (tmp_path / "l.jsonl").write_text(
        '{"set": {"9.filename_prefix": "l0"}}\n\n{"set": {"1.width": 0}}\n{"id": "third"}\n'
    )
    words = ("run", str(tmp_path / "w.json"), "--list", str(tmp_path / "l.jsonl"), "--out", str(tmp_path / "out"))
    assert pod.podkeeper(*words).returncode == 65
    assert sorted(name[:2] for name in os.listdir(tmp_path / "out")) == ["l0", "x_"]
    assert pod.podkeeper(*words, "--index", "0").returncode == 0
    assert pod.podkeeper(*words, "--index", "7").returncode == 65
    (tmp_path / "l.jsonl").write_text('{"sets": {}}\n')
    assert "sets" in pod.podkeeper(*words).stdout


def test_a_pod_for_one_job_ends_with_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(json.dumps(workflow()))
    environ = comfyui(tmp_path)
    words = ("podkeeper", "run", str(tmp_path / "w.json"), "--no-fetch", "--out", str(tmp_path / "out"))
    done = Pod(tmp_path / "home", environ, command=words)
    assert done.process.wait(60) == 0, done.text
    assert len(os.listdir(tmp_path / "out")) == 1
    assert "jupyter" not in done.text
    failed = Pod(tmp_path / "home", environ, command=(*words, "--set", "1.width=0"))
    assert failed.process.wait(60) == 65, failed.text
    (tmp_path / "w.json").write_text(json.dumps(workflow(("Wait", {"seconds": 60}))))
    stopped = Pod(tmp_path / "home", environ, command=words)
    stopped.wait_for_log("run: running")
    assert stopped.stop(signal.SIGTERM) == 75, stopped.text


def test_a_thousand_jobs_at_once(pod: Pod) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda number: send(pod, {"workflow": workflow(), "id": f"k-{number % 300}"})[0], range(400))
        )
    assert set(answers) <= {200, 202, 429}
    assert ask(pod, "/healthz").status == 200
    assert ended(pod, "k-299", 120)["state"] == "done"
