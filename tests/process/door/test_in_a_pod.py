"""The gateway in the whole pod: supervised, announced, missing, open, and gone at the end."""

import contextlib
import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.checkout import FAKE_COMFYUI_WITH_FILES as FAKE
from tests.support.door.running_door import HTML, ask, websocket
from tests.support.pod import TOKEN, Pod, fake_python, running
from tests.support.ports import free_port
from tests.support.waiting import wait_until

BEARER = {"Authorization": f"Bearer {TOKEN}"}


def with_comfyui(folder: Path, **more: str) -> dict[str, str]:
    return {
        "COMFYUI_ENABLED": "true",
        "COMFYUI_DIR": str(FAKE),
        "COMFYUI_PYTHON": str(fake_python(folder)),
        **more,
    }


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("pod")
    with running(folder / "pod", with_comfyui(folder)) as started:
        started.wait_for_log("Logs ")
        yield started


def status(pod: Pod, headers: dict[str, str] | None = None) -> int:
    """The status of the gateway's response, 0 where nothing responds."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return ask(pod.comfyui_port, "/queue", headers).status
    return 0


def program(pod: Pod, name: str) -> psutil.Process:
    """The process supervisord started under this name, once the program has replaced its launcher."""
    (found,) = [member for member in psutil.Process(pod.process.pid).children() if member.name() == name]
    return found


def test_the_banner_has_an_address_that_logs_in(pod: Pod) -> None:
    assert f"  ComfyUI    http://localhost:{pod.comfyui_port}/?token={TOKEN}  (up after" in pod.text
    answer = ask(pod.comfyui_port, f"/?token={TOKEN}", HTML)
    assert ask(pod.comfyui_port, "/", HTML | {"Cookie": answer.cookie}).body.startswith(b"<!doctype")


def test_comfyui_itself_is_on_the_loopback_and_closed_to_the_world(pod: Pod) -> None:
    port = int(pod.environ["COMFYUI_INTERNAL_PORT"])
    (comfyui,) = [member for member in pod.family() if str(FAKE / "main.py") in member.cmdline()]
    assert "--listen 127.0.0.1" in " ".join(comfyui.cmdline())
    with socket.create_server(("127.0.0.2", port)):  # the same port is free on every other address
        pass
    assert status(pod) == 401


@pytest.mark.parametrize("whole", [True, False], ids=["master", "worker"])
def test_a_killed_gateway_is_back_at_once(pod: Pod, whole: bool) -> None:
    """nginx's worker holds the port: a killed master leaves it behind, and the plugin ends it."""
    nginx, worker = gateway(pod)
    killed = nginx if whole else worker
    killed.kill()
    others = wait_until(lambda: another_gateway(pod, killed), 15, "another one answers")
    assert whole == (nginx not in others)
    wait_until(lambda: not worker.is_running(), 15, "the former worker is gone")


def gateway(pod: Pod) -> list[psutil.Process]:
    """nginx's master and its worker."""
    master = program(pod, "nginx")
    return [master, *master.children()]


def another_gateway(pod: Pod, killed: psutil.Process) -> list[psutil.Process]:
    """One that answers and that `killed` is no part of; [] as long as there is none."""
    with contextlib.suppress(ValueError, psutil.NoSuchProcess):
        found = gateway(pod)
        if len(found) == 2 and killed not in found and status(pod, BEARER) == 200:
            return found
    return []


def test_the_starting_page_while_comfyui_is_restarted(pod: Pod) -> None:
    assert pod.podkeeper("stop", "comfyui").returncode == 0
    assert status(pod, BEARER) == 503
    assert b"ComfyUI is starting" in ask(pod.comfyui_port, "/", HTML | BEARER).body
    programs = ask(pod.comfyui_port, "/podkeeper/programs.json", BEARER).json["programs"]
    assert programs["comfyui"]["state"] == "STOPPED"
    assert pod.podkeeper("start", "comfyui").returncode == 0
    wait_until(lambda: status(pod, BEARER) == 200, 20, "ComfyUI is back")


def test_the_gateways_log_is_forwarded(pod: Pod) -> None:
    assert status(pod) == 401
    pod.wait_for_log("gateway  | ")


def test_a_stop_does_not_wait_for_websockets(tmp_path: Path) -> None:
    with running(tmp_path / "pod", with_comfyui(tmp_path)) as pod:
        pod.wait_for_log("Logs ")
        with socket.create_connection(("127.0.0.1", pod.comfyui_port), 10) as client:
            client.sendall(
                f"GET /ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            assert client.recv(100).startswith(b"HTTP/1.1 101")
            family = pod.family()
            assert pod.stop() == 0
            wait_until(lambda: not [member for member in family if member.is_running()], 5, "no process is left")


def test_without_a_login_every_start_warns_and_the_guard_stays(tmp_path: Path) -> None:
    environ = with_comfyui(tmp_path, COMFYUI_AUTH="none")
    with running(tmp_path / "pod", environ) as pod:
        pod.wait_for_log("Problem    ComfyUIAuthOff")
        assert f"  ComfyUI    http://localhost:{pod.comfyui_port}/  (up" in pod.text
        assert status(pod) == 200
        assert status(pod, {"Origin": "https://evil.example"}) == 403
        assert websocket(pod.comfyui_port, {"Origin": "https://evil.example"}) == 403
        assert pod.stop() == 0


@pytest.mark.parametrize("auth", ["token", "none"])
def test_without_a_door_comfyui_listens_on_loopback_and_a_condition_says_what_to_do(tmp_path: Path, auth: str) -> None:
    """One port for both is what the entrypoint makes of a missing nginx."""
    port = str(free_port())
    environ = with_comfyui(tmp_path, COMFYUI_AUTH=auth, COMFYUI_PORT=port, COMFYUI_INTERNAL_PORT=port)
    with running(tmp_path / "pod", environ) as pod:
        pod.wait_for_log(
            "Problem    GatewayMissing: COMFYUI_INTERNAL_PORT is the public port, so ComfyUI can be reached"
        )
        assert f"'--listen', '127.0.0.1', '--port', '{port}'" in pod.log("comfyui.log")
        assert ask(int(port), "/queue").status == 200
        assert ask(pod.jupyter_port, "/api/contents").status == 401  # JupyterLab keeps its door
        assert f"  ComfyUI    http://localhost:{port}/  (up" in pod.text
        assert pod.stop() == 0


def test_a_pod_whose_door_is_shut_is_unhealthy(pod: Pod) -> None:
    """JupyterLab itself responds, but no request reaches it."""
    health = [sys.executable, "-I", "-m", "entrypoint.health"]
    assert pod.podkeeper("stop", "gateway").returncode == 0
    try:
        ended = subprocess.run(health, env=pod.environ, capture_output=True, text=True, timeout=30)
        assert (ended.returncode, "JupyterLab" in ended.stdout) == (1, True)
    finally:
        assert pod.podkeeper("start", "gateway").returncode == 0
    wait_until(lambda: status(pod, BEARER) == 200, 20, "the door is open again")
    assert subprocess.run(health, env=pod.environ, capture_output=True, timeout=30).returncode == 0
