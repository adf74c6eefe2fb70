"""JupyterLab behind the door: it believes the door alone, whatever the user's own files say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from entrypoint.system.loopback_http import send
from tests.support.pod import TOKEN, Pod, running
from tests.support.waiting import wait_until

#: A user's own settings that would take JupyterLab away from the door, or believe everybody.
OVERRIDES = """
c.ServerApp.identity_provider_class = "jupyter_server.auth.identity.PasswordIdentityProvider"
c.IdentityProvider.token = ""
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.port = 1
c.ServerApp.port_retries = 50
c.ServerApp.base_url = "/elsewhere/"
c.ServerApp.sock = "/nowhere/jupyter.sock"
c.ServerApp.answer_yes = True
"""


@pytest.fixture(scope="module", params=["", OVERRIDES], ids=["ours alone", "the user's too"])
def pod(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    home = tmp_path_factory.mktemp("behind") / "pod"
    if request.param:
        folder = home / "comfyui/.jupyter"
        folder.mkdir(parents=True)
        (folder / "jupyter_lab_config.py").write_text(request.param)
    with running(home) as made:
        made.wait_for_jupyter()
        yield made


def inner(pod: Pod, path: str, headers: dict[str, str]) -> int:
    """The status of JupyterLab's own response, past the door."""
    return send("GET", int(pod.environ["JUPYTER_INTERNAL_PORT"]), path, 10, headers).status


@pytest.mark.parametrize("path", ["/api/contents", "/api/terminals", "/api/kernels", "/lab", "/files/x", "/api/me",
                                  "/podkeeper/tiles", "/podkeeper/open/status", "/api/config/x"])  # fmt: skip
def test_a_program_of_the_pod_gets_nothing_from_the_inner_port(pod: Pod, path: str) -> None:
    cookie = send("POST", pod.jupyter_port, "/podkeeper/login", 10, {"Authorization": f"Bearer {TOKEN}"}).head
    cookie = cookie.partition("Set-Cookie: ")[2].partition(";")[0]
    for headers in ({}, {"Authorization": f"token {TOKEN}"}, {"Cookie": cookie}, {"X-Podkeeper-Door": "guessed"}):
        assert inner(pod, path, headers) in (302, 403)  # 302: a page leads to the login
        assert inner(pod, f"{path}?token={TOKEN}", headers) in (302, 403)
    secret = (pod.home / "run/door_secret").read_text()
    assert inner(pod, path, {"X-Podkeeper-Door": secret}) in (200, 302, 404)


def test_through_the_door_everything_works(pod: Pod) -> None:
    assert pod.jupyter("/api/contents")["type"] == "directory"
    assert pod.jupyter("/api/me")["identity"]["username"] == "user"


def test_the_doors_secret_is_in_no_file_that_others_can_read_and_in_no_environment(pod: Pod) -> None:
    secret = (pod.home / "run/door_secret").read_text()
    assert (pod.home / "run/door_secret").stat().st_mode & 0o777 == 0o600
    for member in pod.family():
        with contextlib.suppress(OSError, psutil.NoSuchProcess):  # a one-shot has ended meanwhile
            assert secret not in Path(f"/proc/{member.pid}/environ").read_text() + " ".join(member.cmdline())
    for path in pod.home.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o044:
            assert secret.encode() not in path.read_bytes()


@pytest.mark.parametrize("service", ["jupyter", "status"])
def test_without_the_doors_secret_a_server_lets_no_request_in(pod: Pod, service: str) -> None:
    """A file that is gone fails closed."""
    secret = pod.home / "run/door_secret"
    kept = secret.read_bytes()
    port, path = int(pod.environ[f"{service.upper()}_INTERNAL_PORT"]), {"jupyter": "/api/contents"}.get(service, "/")
    secret.unlink()
    try:
        assert pod.podkeeper("restart", service).returncode == 0
        wait_until(lambda: send("GET", port, path, 2).status, 60, f"{service} answers")
        for guess in ("", "?"):
            assert send("GET", port, path, 10, {"X-Podkeeper-Door": guess}).status in (401, 403)
    finally:
        secret.write_bytes(kept)
        secret.chmod(0o600)
        assert pod.podkeeper("restart", service).returncode == 0
    wait_until(lambda: send("GET", port, path, 2, {"X-Podkeeper-Door": kept.decode()}).status == 200, 60, "it is back")
