"""One pod with everything in it: what the meter calls work, what it calls idle, and the end of an idle container."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket

from entrypoint.meter.keep import keep
from entrypoint.system.loopback_http import send
from tests.support.meters import paths_of, report, wait_for, wait_for_idle
from tests.support.models.origin import Origin
from tests.support.pod import TOKEN, Pod, environ_for, running
from tests.support.ports import free_port
from tests.support.ssh import new_key, options
from tests.support.status_server import BEARER, ask, status_of
from tests.support.waiting import wait_until

HEADERS = {"Authorization": f"token {TOKEN}"}
SSH = os.geteuid() == 0 and os.path.exists("/usr/sbin/sshd")


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("meter")
    environ = environ_for(folder) | {"COMFYUI_ENABLED": "true", "IDLE_STOP": "2s", "COST_PER_HOUR": "3600"}
    if SSH:
        key = new_key(folder)
        environ |= {"PUBLIC_KEY": key.with_suffix(".pub").read_text(), "SSH_PORT": str(free_port())}
    command = ("sh", "-c", f"until [ -e {folder}/done ]; do sleep 0.1; done")
    with running(folder / "pod", environ, command=command) as started:
        wait_until((started.home / "run/requests").exists, 30, "the requests' folder")
        keep(paths_of(started), 3600)  # idle, it would end at once
        started.wait_for_jupyter()
        yield started


@pytest.fixture(autouse=True)
def start_command(request: pytest.FixtureRequest, pod: Pod) -> Path:
    """The file that ends the start command: it runs in the first test alone, also where another test runs by itself."""
    done = pod.home.parent / "done"
    if request.node.name != "test_a_start_command_that_runs":
        done.touch()
    return done


def test_a_start_command_that_runs(pod: Pod, start_command: Path) -> None:
    wait_for(pod, "the start command runs")
    start_command.touch()
    wait_for_idle(pod)


def test_comfyui_with_a_queue(pod: Pod) -> None:
    wait_for_idle(pod)
    port = int(pod.environ["COMFYUI_INTERNAL_PORT"])
    send("POST", port, "/prompt", 5, body="{}")
    wait_for(pod, "ComfyUI has 1 in its queue")
    send("POST", port, "/queue", 5, body="{}")
    wait_for_idle(pod)


def test_a_notebook_kernel_that_runs_code(pod: Pod) -> None:
    wait_for_idle(pod)
    made = send("POST", pod.jupyter_port, "/api/kernels", 20, HEADERS, "{}")
    kernel = json.loads(made.body)["id"]
    url = f"ws://127.0.0.1:{pod.jupyter_port}/api/kernels/{kernel}/channels?token={TOKEN}"
    connection = websocket.create_connection(url, timeout=20)
    header = {"msg_id": "1", "username": "u", "session": "s", "msg_type": "execute_request", "version": "5.3"}
    code = {"code": "import time\nwhile True: time.sleep(.1)", "silent": False}
    connection.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": code,
                                "channel": "shell", "buffers": []}))  # fmt: skip
    wait_for(pod, "1 of 1 notebook kernels run code")
    send("POST", pod.jupyter_port, f"/api/kernels/{kernel}/interrupt", 10, HEADERS)
    wait_for_idle(pod)  # open, connected, and idle
    connection.close()
    send("DELETE", pod.jupyter_port, f"/api/kernels/{kernel}", 10, HEADERS)


def test_a_terminal_that_runs_sleep(pod: Pod) -> None:
    wait_for_idle(pod)
    name = json.loads(send("POST", pod.jupyter_port, "/api/terminals", 10, HEADERS).body)["name"]
    url = f"ws://127.0.0.1:{pod.jupyter_port}/terminals/websocket/{name}?token={TOKEN}"
    connection = websocket.create_connection(url, timeout=20)
    connection.send(json.dumps(["stdin", "exec bash --norc\r"]))
    connection.send(json.dumps(["stdin", "sleep 600\r"]))
    wait_for(pod, "a terminal runs sleep")
    connection.send(json.dumps(["stdin", "\x03"]))
    wait_for_idle(pod)  # the terminal is open, at its prompt
    connection.close()
    send("DELETE", pod.jupyter_port, f"/api/terminals/{name}", 10, HEADERS)


@pytest.mark.skipif(not SSH, reason="sshd needs root and openssh-server")
def test_an_ssh_session_but_no_login_that_is_only_tried(pod: Pod) -> None:
    wait_for_idle(pod)
    port, key = int(pod.environ["SSH_PORT"]), pod.home.parent / "id"
    with socket.create_connection(("127.0.0.1", port), 10) as stranger:
        stranger.recv(64)  # sshd has a process for it
        with pytest.raises(AssertionError):
            wait_until(lambda: "ssh" in report(pod)["why"], 1, "a login that is tried is no session", 0.05)
    line = ["ssh", *options(key, port), "root@127.0.0.1", "cat"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        wait_for(pod, "an ssh session is open")
        client.communicate(b"", timeout=20)
    wait_for_idle(pod)


def test_a_download(pod: Pod) -> None:
    wait_for_idle(pod)
    with Origin(delay=0.05) as origin:
        origin.put("slow.bin", bytes(90 << 20))
        (pod.home / "comfyui/models.toml").write_text(
            'schema = 1\n[bundles.MINE]\nsize_gb = 0.01\n[[files]]\nbundle = "MINE"\nsource = "url"\n'
            f'url = "{origin.hub_url}/plain/slow.bin"\ndest = "loras/slow.bin"\n'
        )
        assert ask(pod, "/bundles/MINE/fetch", BEARER, "POST").status == 200
        wait_for(pod, "models are being downloaded")
        pod.podkeeper("stop", "models")
    wait_for_idle(pod)


def test_requests_at_the_door(pod: Pod) -> None:
    """What an open page polls is no work; opening a page, and changing something, is."""
    wait_for_idle(pod)
    size = (pod.home / "run/activity").stat().st_size
    polls = ["/api/sessions", "/api/kernels", "/api/terminals", "/api/contents?content=1", "/api/status",
             "/podkeeper/tiles", "/podkeeper/meter", "/lab/api/settings"]  # fmt: skip
    for path in polls:
        assert send("GET", pod.jupyter_port, path, 10, HEADERS).status == 200
    for path in ("/status.json", "/metrics", "/healthz", "/logs/jupyter"):
        assert ask(pod, path, BEARER).status == 200
    for path in ("/queue", "/system_stats", "/prompt"):
        assert send("GET", pod.comfyui_port, path, 10, HEADERS).status == 200
    send("HEAD", pod.comfyui_port, "/", 10, HEADERS | {"Accept": "text/html"})
    send("PUT", pod.jupyter_port, "/lab/api/workspaces/default?1795674971010", 10, HEADERS, "{}")
    for headers in ({}, {"Authorization": "token wrong"}):  # no login
        send("POST", pod.jupyter_port, "/api/terminals", 10, headers)
    assert (pod.home / "run/activity").stat().st_size == size
    work = [
        ("GET", pod.jupyter_port, "/lab", {"Accept": "text/html"}),
        ("GET", pod.jupyter_port, "/api/contents/models.toml?type=file&content=1", {}),
        ("GET", pod.jupyter_port, "/files/models.toml", {}),
        ("PUT", pod.jupyter_port, "/api/contents/new.txt", {}),
        ("POST", pod.comfyui_port, "/queue", {}),
        ("POST", pod.status_port, "/keep", {}),
    ]
    for number, (method, port, path, headers) in enumerate(work, 1):
        send(method, port, path, 10, HEADERS | headers, "{}" if method != "GET" else "")
        wait_until(lambda: (pod.home / "run/activity").stat().st_size == size + number, 5, path)  # noqa: B023
    wait_for(pod, "a request came through the door")
    wait_for_idle(pod)


def test_the_buttons_are_behind_the_login_and_the_origin_guard(pod: Pod) -> None:
    origin = {"Origin": "https://zzz999-8190.proxy.runpod.net", "X-Forwarded-Proto": "https"}
    wish = pod.home / "run/requests/keep.json"
    before = wish.stat().st_mtime_ns
    jupyter, status = pod.jupyter_port, pod.status_port
    cookie = ask(pod, f"/?token={TOKEN}").headers["Set-Cookie"].partition(";")[0]
    for port, path in ((status, "/keep"), (jupyter, "/podkeeper/keep")):
        assert send("POST", port, path, 10).status == 401
        assert send("POST", port, path, 10, {"Authorization": "token wrong"}).status == 401
        assert send("POST", port, path, 10, {"Cookie": cookie} | origin).status in (401, 403)
        assert send("POST", port, path, 10, {"Cookie": cookie, "Sec-Fetch-Site": "same-site"} | origin).status != 200
        assert send("GET", port, path, 10, HEADERS).status == 405
    inner = int(pod.environ["JUPYTER_INTERNAL_PORT"])
    assert send("POST", inner, "/podkeeper/keep", 10).status == 403
    assert send("GET", inner, "/podkeeper/meter", 10).status == 403
    assert wish.stat().st_mtime_ns == before
    assert send("POST", jupyter, "/podkeeper/keep", 10, HEADERS).status == 204
    assert wish.stat().st_mtime_ns != before
    assert send("POST", status, "/keep", 10, {"Cookie": cookie}).status == 200


def test_what_it_costs_is_shown_everywhere(pod: Pod) -> None:
    found = json.loads(pod.podkeeper("cost", "--json").stdout)
    assert (found["price"], found["source"], found["action"]) == (3600.0, "COST_PER_HOUR", "exit")
    assert found["cost"] == pytest.approx(found["run"], abs=1)  # a dollar a second
    assert 0 < found["idle"] <= found["run"]
    assert "$3600.00 an hour (COST_PER_HOUR)" in pod.podkeeper("cost").stdout
    assert "cost      $3600.00 an hour" in pod.podkeeper("status").stdout
    assert status_of(pod)["meter"]["price"] == 3600.0
    metrics = ask(pod, "/metrics", BEARER).text
    assert "podkeeper_cost_dollars_per_hour 3600.0\n" in metrics
    assert "\npodkeeper_idle_seconds_total " in metrics


def test_a_look_that_fails_counts_as_work_and_is_told(pod: Pod) -> None:
    """ComfyUI does not say what is in its queue."""
    wait_for_idle(pod)
    port, condition = int(pod.environ["COMFYUI_INTERNAL_PORT"]), pod.home / "run/conditions/IdleUnknown.json"
    send("POST", port, "/silent", 5, body="{}")
    wait_for(pod, "cannot tell: ComfyUI does not say what is in its queue: 404")
    wait_until(condition.exists, 10, "the condition")
    assert "the meter cannot tell: ComfyUI" in json.loads(condition.read_text())["reason"]
    send("POST", port, "/queue", 5, body="{}")
    wait_for_idle(pod)
    wait_until(lambda: not condition.exists(), 10, "the condition is cleared")


def test_at_last_an_idle_container_ends_with_0(pod: Pod) -> None:
    """The last test: nothing keeps the pod any longer."""
    wait_for_idle(pod)
    assert pod.podkeeper("keep", "off").stdout == "IDLE_STOP=2s counts again\n"
    soon = pod.home / "run/conditions/PodStopsSoon.json"
    reason = wait_until(lambda: soon.exists() and json.loads(soon.read_text())["reason"], 20, "the countdown", 0.05)
    assert reason.startswith("this pod is stopped at ")
    assert reason.endswith("(exit), when the pod has been idle for 2 s (IDLE_STOP=2 s)")
    assert pod.process.wait(30) == 0, pod.text
    assert "to keep it: podkeeper keep 2h" in pod.text
    assert "meter: stopping the pod: the pod has been idle for" in pod.text
    assert "fake: stopped cleanly by SIGINT" in pod.log("comfyui.log")
