"""A pod without nginx: everything listens on the loopback, with a login of its own, and a condition says so."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.system.loopback_http import send
from tests.support.pod import TOKEN, Pod, running
from tests.support.ports import free_port
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Equal ports are what the entrypoint makes of a missing nginx (unit/door/test_find_nginx)."""
    names = ("JUPYTER", "COMFYUI", "STATUS")
    ports = {name: str(free_port()) for name in names}
    environ = {f"{name}_PORT": ports[name] for name in names} | {f"{name}_INTERNAL_PORT": ports[name] for name in names}
    with running(tmp_path_factory.mktemp("no-door") / "pod", environ) as made:
        made.jupyter_port, made.status_port = int(ports["JUPYTER"]), int(ports["STATUS"])
        made.wait_for_jupyter()
        made.wait_for_log("  Logs ")
        wait_until(lambda: status(made, made.status_port, "/healthz") == 200, 20, "the status server answers")
        yield made


def status(pod: Pod, port: int, path: str, method: str = "GET", **headers: str) -> int:
    return send(method, port, path, 10, {name.replace("_", "-"): text for name, text in headers.items()}).status


def test_a_condition_says_so(pod: Pod) -> None:
    assert "Problem    GatewayMissing: JUPYTER_INTERNAL_PORT is the public port, so JupyterLab, Status can" in pod.text


def test_everything_listens_on_the_loopback(pod: Pod) -> None:
    for port in (pod.jupyter_port, pod.status_port):
        with socket.create_server(("127.0.0.2", port)):  # the same port is free on every other address
            pass


def test_jupyterlab_has_its_own_login(pod: Pod) -> None:
    contents, bearer = "/api/contents", f"token {TOKEN}"
    assert status(pod, pod.jupyter_port, contents) == 403
    assert status(pod, pod.jupyter_port, contents, Authorization=bearer) == 200
    assert status(pod, pod.jupyter_port, contents, Authorization=bearer, Origin="https://evil.example") == 403
    assert status(pod, pod.jupyter_port, contents, Authorization=bearer, Sec_Fetch_Site="same-site") == 403
    assert f"  JupyterLab http://localhost:{pod.jupyter_port}/lab?token={TOKEN}" in pod.text
    assert status(pod, pod.jupyter_port, f"/lab?token={TOKEN}") == 200


def test_the_cookie_is_strict(pod: Pod) -> None:
    head = send("GET", pod.jupyter_port, f"/lab?token={TOKEN}", 10).head
    assert f"podkeeper-login-{pod.jupyter_port}=" in head
    assert "SameSite=Strict" in head


def test_the_status_page_takes_the_token_as_password(pod: Pod) -> None:
    password = "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()
    answer = send("GET", pod.status_port, "/", 10)
    assert (answer.status, "www-authenticate: basic" in answer.head.lower()) == (401, True)
    assert status(pod, pod.status_port, "/", Authorization=password) == 200
    assert status(pod, pod.status_port, "/status.json", Authorization=f"Bearer {TOKEN}") == 200
    for foreign in ({"Origin": "http://localhost:1"}, {"Sec_Fetch_Site": "same-site"}):
        assert status(pod, pod.status_port, "/status.json", Authorization=password, **foreign) == 403
    assert status(pod, pod.status_port, "/programs/jupyter/stop", "POST") == 401


def test_with_the_login_off_pages_of_other_origins_stay_out(tmp_path: Path) -> None:
    port, status_port = free_port(), free_port()
    environ = {"JUPYTER_AUTH": "none", "STATUS_PORT": str(status_port), "STATUS_INTERNAL_PORT": str(status_port),
               "JUPYTER_PORT": str(port), "JUPYTER_INTERNAL_PORT": str(port)}  # fmt: skip
    with running(tmp_path / "pod", environ) as pod:
        wait_until(lambda: status(pod, port, "/api/contents") == 200, 60, "JupyterLab answers")
        wait_until(lambda: status(pod, status_port, "/status.json") == 200, 20, "the status server answers")
        for at, path in ((port, "/api/contents"), (status_port, "/status.json")):
            assert status(pod, at, path, Origin="https://evil.example") == 403
            rebound = f"evil.example:{at}"  # a page whose name leads to this machine's loopback
            assert status(pod, at, path, Host=rebound, Origin=f"http://{rebound}") == 403
            assert status(pod, at, path, Host=rebound) == 403
