"""Secrets: a marked value for every secret of a pod, then a search of all the pod wrote, serves and prints."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import secrets
import socket
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import psutil
import pytest
import websocket

from entrypoint.models.sources.tokens import VARIABLES
from entrypoint.settings.settings import secret_variables
from entrypoint.system.loopback_http import send
from tests.support.pod import Pod, environ_for, others_can_read, running
from tests.support.waiting import wait_until

#: Of the user's own, which no program gets unless its setting names it (test_named_secrets.py).
OWN = ("WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY")
#: A wrong token, as a user types it; often it is another secret.
TYPED = "typed"
#: Where the pod keeps a secret: path below the pod's folder -> whose. All of them 0600 or behind a 0700 folder.
KEPT = {
    "run/jupyter_token": "JUPYTER_TOKEN",
    **{f"run/secrets/{name}": name for name in (*VARIABLES, "PUBLIC_KEY", "RUNPOD_API_KEY", "WEBHOOK_SECRET")},
    "run/jupyter_cookie_secret": "cookie secret",
    "login/jupyter_cookie_secret": "cookie secret",
}
#: Jupyter Server's own record of itself, for `jupyter server list`; 0600.
JUPYTERS_OWN = "home/.local/share/jupyter/runtime/jpserver-"


class Canaries(dict[str, str]):
    """Name -> secret."""

    def found_in(self, content: bytes | str) -> set[str]:
        """The names of those in there: as they are, quoted as in an address, or in base64."""
        data = content.encode() if isinstance(content, str) else content
        decoded = unquote_to_bytes(unquote_to_bytes(data)) if b"%" in data else b""
        return {name for name, secret in self.items() if any(n in data or n in decoded for n in needles(secret))}


def needles(secret: str) -> list[bytes]:
    return [secret.encode(), quote(secret, safe="").encode(), base64.b64encode(secret.encode())[:-4]]


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    names = (*dict.fromkeys(secret_variables()), *OWN, TYPED)
    return Canaries({name: f"cAn4ry-{name.lower()}-{secrets.token_hex(12)}+/=" for name in names})


@pytest.fixture(scope="module")
def pod(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """A pod that has been through everything."""
    folder = tmp_path_factory.mktemp("secrets")
    environ = environ_for(folder) | {"COMFYUI_ENABLED": "true", "RUNPOD_POD_ID": "abc123", "MODELS": "none"}
    environ |= {"RUNPOD_REST_URL": "http://127.0.0.1:9"}  # no request with the key leaves this machine
    environ |= {name: secret for name, secret in canaries.items() if name != TYPED}
    with running(folder / "pod", environ) as started:
        started.wait_for_log("Logs ")
        wait_until(
            lambda: send("GET", started.status_port, "/healthz", 2).status == 200,
            60,
            "the status server is up",
        )
        canaries["cookie secret"] = (started.home / "run/jupyter_cookie_secret").read_text()
        exercise(started, canaries)
        yield started


def exercise(pod: Pod, canaries: Canaries) -> None:
    """Log in and fail to, in every way there is, everywhere."""
    right, wrong = canaries["JUPYTER_TOKEN"], canaries[TYPED]
    pages = {
        pod.jupyter_port: ("/lab", "/api/contents", "/api/me", "/podkeeper/status/", "/podkeeper/comfyui/"),
        pod.comfyui_port: ("/", "/system_stats", "/nothing"),
        pod.status_port: ("/", "/status.json", "/metrics", "/nothing"),
    }
    for port, paths in pages.items():
        for path in paths:
            for token in (right, wrong):
                send("GET", port, f"{path}?token={quote(token, safe='')}", 10, {"Accept": "text/html"})
                send("GET", port, path, 10, {"Authorization": f"token {token}"})
                send("GET", port, path, 10, {"Authorization": f"Bearer {token}", "Cookie": f"mine={token}"})
    provoke_errors(pages, right, wrong)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for port, path in (
        (pod.jupyter_port, "/login"),
        (pod.status_port, "/login"),
        (pod.comfyui_port, "/podkeeper/login"),
    ):
        for token in (wrong, right):
            body = f"password={quote(token, safe='')}&token={quote(token, safe='')}"
            send("POST", port, path, 10, form, body)
    for token in (right, wrong):
        for port, path in ((pod.jupyter_port, "/api/events/subscribe"), (pod.comfyui_port, "/ws")):
            with contextlib.suppress(websocket.WebSocketException, OSError):
                address = f"ws://127.0.0.1:{port}{path}?token={quote(token, safe='')}"
                websocket.create_connection(address, 5).close()
    for service in ("comfyui", "status"):
        pod.podkeeper("restart", service)
    wait_until(lambda: pod.podkeeper("status").returncode == 0, 60, "all is up again", 0.5)
    # What a user's program says in its log.
    with (pod.home / "log/comfyui.log").open("a") as log:
        log.write(f"got {right} from {canaries['HF_TOKEN']}\n")


#: Paths whose requests fail: 404, 403, 405, 400, 500, 502, by each server in its own way.
FAILING = (
    "/nothing", "/api/contents/nope", "/api/kernels/nope", "/api/sessions/nope", "/api/terminals/nope", "/files/nope",
    "/files//x", "/files/../../etc/passwd", "/static/nope", "/lab/api/settings/nope", "/lab/api/workspaces/nope",
    "/view?filename=nope", "/nbconvert/html/nope", "/kernelspecs/nope/x", "/podkeeper/comfyui/nothing",
    "/podkeeper/status/nothing", "/podkeeper/nothing", "/logs/nothing", "/logs/jupyter?lines=x", "/bundles/NOPE/fetch",
    "/programs/nope/start", "/login", "/%ff", "//[", "/\x00",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "NONSENSE")


def provoke_errors(ports: Iterable[int], right: str, wrong: str) -> None:
    """Send requests that fail, with tokens in every place and spelling that a server may quote.

    A wrong token can be told by its name alone (`token=`); the right one by itself.
    """
    for port in ports:
        for path in FAILING:
            begin = f"{path}{'&' if '?' in path else '?'}"
            for query in (*spellings(right), f"a={quote(right, safe='')}", *spellings(wrong)):
                send("GET", port, begin + query, 10)
            for method in METHODS:
                send(method, port, begin + spellings(right)[0], 10, body="{")
        provoke_odd_errors(port, right)


def spellings(token: str) -> tuple[str, ...]:
    quoted, encoded = quote(token, safe=""), "".join(f"%{byte:02x}" for byte in token.encode())
    return f"token={quoted}", f"%74oken={quoted}", f"token={encoded}", f"x=1&%2574oken={encoded}"


def provoke_odd_errors(port: int, token: str) -> None:
    """Send headers and request lines that no browser sends."""
    quoted = quote(token, safe="")
    address = f"http://127.0.0.1:{port}/lab?token={quoted}"
    headers = (
        {"Referer": address}, {"Referer": f"http://[?token={quoted}"}, {"Origin": "http://["}, {"Origin": address},
        {"Host": f"x?token={quoted}"}, {"Cookie": f"token={quoted}; _xsrf={token}"},
        {"Authorization": f"Basic {token}"}, {"Content-Length": f"token={quoted}"},
        {"Transfer-Encoding": f"token={quoted}"},
        {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "http://[", "Sec-WebSocket-Version": token},
    )  # fmt: skip
    for each in headers:
        for path in ("/nothing", "/api/contents/nope", "/podkeeper/comfyui/ws", "/api/events/subscribe", "/login"):
            send("GET", port, f"{path}?token={quoted}", 10, {"Accept": "text/html", **each})
    lines = (f"GET /?token={quoted} x HTTP/1.1", f"GET /?token={quoted}", f"token={quoted}", f"GET {token} HTTP/9")
    for line in lines:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(f"{line}\r\n\r\n".encode())
            connection.recv(1000)


def test_a_malformed_origin_is_a_foreign_pages_and_no_error_of_the_server(pod: Pod, canaries: Canaries) -> None:
    for port in (pod.jupyter_port, pod.status_port):
        for origin in ("http://[", "http://[x", "https://a]b"):
            path = "/api/contents" if port == pod.jupyter_port else "/status.json"
            assert send("GET", port, path, 10, {"Origin": origin}).status in (401, 403)
            login = {"Origin": origin, "Authorization": f"token {canaries['JUPYTER_TOKEN']}"}
            assert send("GET", port, path, 10, login).status == 200


def test_nothing_the_pod_wrote_holds_a_secret_but_the_files_made_for_it(pod: Pod, canaries: Canaries) -> None:
    found: dict[str, set[str]] = {}
    for path in pod.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            name = str(path.relative_to(pod.home))
            if names := canaries.found_in(path.read_bytes()):
                found[name] = names
    quoted = found.pop("log/comfyui.log")  # what the test itself put there
    assert quoted == {"JUPYTER_TOKEN", "HF_TOKEN"}
    assert [name for name in found if others_can_read(pod.home / name, pod.home)] == []
    for name in [name for name in found if name.startswith(JUPYTERS_OWN)]:
        assert found.pop(name) == {"JUPYTER_TOKEN"}
    assert found == {name: {whose} for name, whose in KEPT.items()}


def test_the_containers_log_shows_the_login_address_and_no_other_secret(pod: Pod, canaries: Canaries) -> None:
    for line in pod.text.splitlines():
        names = canaries.found_in(line)
        if names == {"JUPYTER_TOKEN"} and "token=" in line:
            assert line.startswith(("podkeeper: ", "  "))  # the announcement and the banner
        elif not line.startswith("comfyui  | got "):  # the test's own line
            assert names == set(), line


def test_no_process_has_a_secret_in_its_environment_or_arguments(pod: Pod, canaries: Canaries) -> None:
    family = pod.family()
    assert len(family) > 5
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            environ = Path(f"/proc/{member.pid}/environ").read_bytes()
            assert canaries.found_in(" ".join(member.cmdline())) == set(), member
            assert canaries.found_in(environ) == set(), member


SERVED = (
    "/",
    "/status.json",
    "/metrics",
    "/logs/comfyui",
    "/logs/jupyter",
    "/logs/status",
    "/readyz",
)


@pytest.mark.parametrize("path", SERVED)
def test_the_status_server_serves_no_secret(pod: Pod, canaries: Canaries, path: str) -> None:
    answer = send("GET", pod.status_port, path, 20, {"Authorization": f"token {canaries['JUPYTER_TOKEN']}"})
    assert answer.status == 200, answer
    assert canaries.found_in(answer.head + answer.body.decode()) == set()
    through = send(
        "GET",
        pod.jupyter_port,
        f"/podkeeper/status{path}",
        20,
        {"Authorization": f"token {canaries['JUPYTER_TOKEN']}"},
    )
    assert canaries.found_in(through.head + through.body.decode()) == set()


def test_the_event_stream_holds_no_secret(pod: Pod, canaries: Canaries) -> None:
    login = {"Authorization": f"token {canaries['JUPYTER_TOKEN']}"}
    connection = http.client.HTTPConnection("127.0.0.1", pod.status_port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/events", headers=login)
        answer = connection.getresponse()
        text = b"".join(answer.readline() for _ in range(12))
    assert b"event: " in text
    assert canaries.found_in(text) == set()


@pytest.mark.parametrize("port", ["comfyui_port", "status_port", "jupyter_port"])
def test_a_client_without_the_login_is_served_no_secret(pod: Pod, canaries: Canaries, port: str) -> None:
    for path in (
        "/",
        "/login",
        "/lab",
        "/metrics",
        "/status.json",
        "/podkeeper/health",
        "/api",
        "/podkeeper/status/",
    ):
        answer = send("GET", getattr(pod, port), path, 20, {"Accept": "text/html"})
        assert canaries.found_in(answer.head + answer.body.decode("utf-8", "replace")) == set(), path


COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("models", "list"),
    ("help",),
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_prints_a_secret(pod: Pod, canaries: Canaries, arguments: tuple[str, ...]) -> None:
    """With the container's environment, as under `docker exec`: all of the secrets are in it."""
    ended = pod.podkeeper(*arguments)
    assert canaries.found_in(ended.stdout + ended.stderr) == set()


def test_the_support_bundle_holds_no_secret(pod: Pod, canaries: Canaries, tmp_path: Path) -> None:
    """Not even those that a program has written into its log, nor the user's own."""
    wrote = f"key -----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"  # noqa: F541
    with (pod.home / "log/jupyter.log").open("a") as log:
        log.write(f"{canaries['WANDB_API_KEY']} {canaries['RUNPOD_API_KEY']} token=guess123 {wrote}")
    path = tmp_path / "support.tar.gz"
    ended = pod.podkeeper("doctor", "--bundle", str(path))
    assert canaries.found_in(ended.stdout + ended.stderr) == set()
    assert canaries.found_in(gzip.decompress(path.read_bytes())) == set()
    with tarfile.open(path) as archive:
        comfyui = archive.extractfile("podkeeper-support/log/comfyui.log")
        jupyter = archive.extractfile("podkeeper-support/log/jupyter.log")
        assert comfyui
        assert jupyter
        assert b"got [secret] from [secret]" in comfyui.read()
        text = jupyter.read()
    assert b"c2VjcmV0" not in text
    assert b"guess123" not in text


def test_a_secret_in_any_spelling_is_found(pod: Pod, canaries: Canaries) -> None:
    """Negative control: what the tests above search with finds every spelling."""
    secret = canaries["HF_TOKEN"]
    for text in (
        secret,
        quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode(),
        json.dumps(secret),
    ):
        assert canaries.found_in(f"x{text}y") == {"HF_TOKEN"}
    assert canaries.found_in(pod.text) >= {"JUPYTER_TOKEN"}
