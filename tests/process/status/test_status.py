"""The status server of a real pod: what the pages show, which requests pass, and that nothing depends on the server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from entrypoint.status.schema import Snapshot
from entrypoint.system.loopback_http import send
from tests.support.broken_pods import take_the_port_of
from tests.support.pod import TOKEN, Pod, running
from tests.support.status_server import BEARER, SIBLING, ask, logged_in, status_of, wait_for_status
from tests.support.waiting import wait_until

HF_TOKEN = "s3cret-of-the-hub"
OWN_KEY = "s3cret-of-the-user"


def service(pod: Pod, name: str) -> dict[str, Any]:
    return next(each for each in status_of(pod)["services"] if each["name"] == name)


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    environ = {"RUNPOD_POD_ID": "abc123", "HF_TOKEN": HF_TOKEN, "MY_API_KEY": OWN_KEY, "TERMINAL_SECRETS": "MY_API_KEY"}
    with running(tmp_path_factory.mktemp("status") / "pod", environ) as started:
        started.wait_for_jupyter()
        wait_for_status(started)
        started.wait_for_log("  Logs ")
        yield started


# -- what is open


def test_healthz_and_readyz_are_open_and_say_nothing_else(pod: Pod) -> None:
    for path, text in (("/healthz", "ok\n"), ("/readyz", "ready\n")):
        answer = ask(pod, path)
        assert (answer.status, answer.text) == (200, text)
        assert ask(pod, path, method="HEAD").status == 200


@pytest.mark.parametrize("path", ["/", "/status.json", "/metrics", "/events", "/logs/jupyter", "/logs/x"])
def test_everything_else_asks_for_the_login(pod: Pod, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer guessed"},
        {"X-Podkeeper-Door": "guessed"},
    ):
        answer = ask(pod, path, headers)
        assert answer.status == 401
        assert "jupyter" not in answer.text.lower()


@pytest.mark.parametrize("path", ["/programs/jupyter/stop", "/programs/unknown/stop"])
def test_no_button_works_without_the_login(pod: Pod, path: str) -> None:
    assert ask(pod, path, method="POST").status == 401
    assert service(pod, "jupyter")["health"] == "up"


# -- the login


def test_the_address_in_the_log_logs_in_and_the_token_leaves_the_address_bar(pod: Pod) -> None:
    assert f"  Status     https://abc123-{pod.status_port}.proxy.runpod.net/?token={TOKEN}" in pod.text
    headers = logged_in(pod)
    assert "<title>Podkeeper</title>" in ask(pod, "/", headers).text
    assert ask(pod, "/status.json", headers).status == 200


def test_over_tls_the_cookie_is_bound_to_this_host(pod: Pod) -> None:
    cookie = ask(pod, f"/?token={TOKEN}", {"X-Forwarded-Proto": "https"}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-podkeeper-")
    assert "Secure" in cookie


FOREIGN = [
    {"Origin": SIBLING, "Sec-Fetch-Site": "same-site"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
]


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/status.json"),
        ("GET", "/events"),
        ("GET", "/metrics"),
        ("POST", "/programs/jupyter/stop"),
    ],
)
def test_a_foreign_page_can_not_use_the_cookie(pod: Pod, method: str, path: str, foreign: dict[str, str]) -> None:
    headers = logged_in(pod)
    assert ask(pod, path, headers | foreign, method).status == 401
    assert service(pod, "jupyter")["health"] == "up"


def test_the_server_itself_believes_the_door_alone(pod: Pod) -> None:
    """A program of the pod that finds the inner port gets nothing, whatever it knows but the door's secret."""
    port = int(pod.environ["STATUS_INTERNAL_PORT"])
    secret = (pod.home / "run/door_secret").read_text()
    for headers, status in ((BEARER, 401), (logged_in(pod), 401), ({"X-Podkeeper-Door": secret}, 200)):
        assert send("GET", port, "/status.json", 10, headers).status == status
    for path in ("/", "/page.js", "/metrics", "/logs/jupyter"):
        assert send("GET", port, path, 10).status == 401


def test_a_link_from_elsewhere_leads_to_the_page(pod: Pod) -> None:
    """RunPod's console."""
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(pod, "/", logged_in(pod) | followed).status == 200


# -- what is shown


def test_the_status_is_complete(pod: Pod) -> None:
    wait_until(lambda: service(pod, "jupyter")["state"] == "RUNNING", 30, "JupyterLab has settled")
    content = status_of(pod)
    assert set(content) == set(Snapshot.__slots__)
    assert content["health"] == "healthy"
    assert content["supervised"] is True
    jupyter = service(pod, "jupyter")
    assert (jupyter["state"], jupyter["health"], jupyter["answers"]) == ("RUNNING", "up", True)
    assert jupyter["memory_bytes"] > 10 << 20
    assert service(pod, "comfyui")["health"] == "off"
    assert {"logs", "prober", "volumes", "announce"} <= {helper["name"] for helper in content["helpers"]}
    assert content["memory"]["used_bytes"] > 0
    assert content["disks"][0]["size_bytes"] > 0
    assert content["started"] < content["at"]


def test_the_metrics_match_the_status(pod: Pod) -> None:
    answer = ask(pod, "/metrics", BEARER)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'podkeeper_service_answers{service="jupyter"} 1' in answer.text.splitlines()


def events(pod: Pod, until: str, seconds: float = 20) -> str:
    """What the stream says until these words."""
    with socket.create_connection(("127.0.0.1", pod.status_port), seconds) as stream:
        stream.sendall(f"GET /events?token={TOKEN} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        data = b""
        while until.encode() not in data:
            chunk = stream.recv(65536)
            assert chunk, data
            data += chunk
    return data.decode()


def test_the_event_stream_begins_with_the_whole_status_and_continues_with_changes(pod: Pod) -> None:
    text = events(pod, "event: patch")
    assert re.findall(r"event: (\w+)", text)[:4] == ["hello", "history", "snapshot", "patch"]
    assert "text/event-stream" in text


def test_a_log_is_shown_and_searched_without_the_token(pod: Pod) -> None:
    with (pod.home / "log/jupyter.log").open("a") as log:
        log.write("[I] a node of the user's asks http://localhost/x?token=of-another-place\n")
    found = json.loads(ask(pod, "/logs/jupyter?search=TOKEN=", BEARER).text)
    assert found["lines"]
    assert all("token=[secret]" in line for line in found["lines"])
    assert ask(pod, f"/logs/jupyter?search=TOKEN=&seen={found['mark']}", BEARER).status == 204
    for path, status in (("/logs/passwd", 404), ("/logs/..", 404), ("/logs/jupyter?lines=-1", 400)):
        assert ask(pod, path, BEARER).status == status


def test_a_condition_is_in_the_json_and_in_the_metrics_with_its_remedy(pod: Pod) -> None:
    folder = pod.home / "run" / "conditions"
    fields = {
        "name": "Planted",
        "reason": f"it says {TOKEN}, {HF_TOKEN}, {OWN_KEY}",
        "remedy": "take it away",
        "since": 1.0,
    }
    (folder / "Planted.json").write_text(json.dumps(fields))
    (folder / "Torn.json").write_text('{"name": ')
    try:
        wait_until(lambda: status_of(pod)["conditions"], 10, "the condition is seen", 0.2)
        (condition,) = status_of(pod)["conditions"]
        assert condition == fields | {"reason": "it says [secret], [secret], [secret]", "severity": "error"}
        assert 'condition="Planted"' in ask(pod, "/metrics", BEARER).text
        assert 'remedy="take it away"' in ask(pod, "/metrics", BEARER).text
        assert ask(pod, "/readyz").status == 200  # a pod with a condition still takes requests
    finally:
        (folder / "Planted.json").unlink()
        (folder / "Torn.json").unlink()


def test_no_secret_is_served_or_logged(pod: Pod) -> None:
    """Asked for in every way that could put the token into a log: wrong paths, wrong words, broken requests."""
    texts = [ask(pod, path, BEARER).text for path in ("/", "/status.json", "/metrics", "/logs/status", "/login")]
    texts += [ask(pod, f"/logs/{name}?lines=1000", BEARER).text for name in ("jupyter", "pod", "prober")]
    texts.append(events(pod, "event: snapshot"))
    for path in (f"/nowhere?token={TOKEN}", f"/logs/jupyter?lines=x&token={TOKEN}", f"/%zz?token={TOKEN}"):
        texts.append(ask(pod, path).text)
    texts.append(ask(pod, f"/programs/jupyter/explode?token={TOKEN}", method="POST").text)
    for garbage in (f"GET /?token={TOKEN}\r\n\r\n", f"GET /?token={TOKEN} HTTP/1.1\r\nbad\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", pod.status_port), 10) as broken:
            broken.sendall(garbage.encode())
            broken.shutdown(socket.SHUT_WR)
            texts.append(broken.recv(65536).decode())
    texts += [path.read_text(errors="replace") for path in (pod.home / "log").iterdir()]
    for secret in (TOKEN, HF_TOKEN, OWN_KEY, (pod.home / "run/jupyter_cookie_secret").read_text()):
        assert [text[:200] for text in texts if secret in text] == []


# -- buttons


def test_the_buttons_stop_start_and_restart(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as own:
        own.wait_for_jupyter()
        wait_for_status(own)
        wait_until(lambda: service(own, "jupyter")["state"] == "RUNNING", 20, "it runs", 0.2)

        def press(verb: str, status: int = 200, program: str = "jupyter") -> str:
            answer = ask(own, f"/programs/{program}/{verb}", BEARER, "POST")
            assert answer.status == status, answer
            return str(json.loads(answer.text)["problem"]) if status != 404 else ""

        first = service(own, "jupyter")["pid"]
        press("restart")
        wait_until(lambda: service(own, "jupyter")["pid"] not in (0, first), 30, "another process", 0.2)
        assert press("start", 409) == "jupyter: already running"
        press("stop")
        wait_until(lambda: service(own, "jupyter")["health"] == "stopped", 30, "it is stopped", 0.2)
        assert ask(own, "/readyz").status == 503
        wait_until(lambda: status_of(own)["health"] == "unhealthy", 5, "the same verdict", 0.2)
        assert press("stop", 409) == "jupyter: not running"
        press("start")
        own.wait_for_jupyter()
        wait_until(lambda: ask(own, "/readyz").status == 200, 20, "ready again", 0.2)
        press("stop", 404, "status")
        press("stop", 404, "prober")
        press("explode", 404)
        assert "requested on the status page" in own.log("podkeeper-status.log")


MANIFEST = """
schema = 1
[bundles.TINY]
about = "One file that no server has"
[[files]]
bundle = "TINY"
source = "url"
url = "http://127.0.0.1:1/tiny.safetensors"
dest = "vae/tiny.safetensors"
"""


def test_a_bundle_can_be_requested(tmp_path: Path) -> None:
    with running(tmp_path / "pod", {"MODELS": "none"}) as own:
        wait_for_status(own)
        own.wait_for_log("exited: models")  # nothing was wanted
        wait_until((own.home / "comfyui").is_dir, 20, "the data folder")
        (own.home / "comfyui/models.toml").write_text(MANIFEST)
        offered = json.loads(ask(own, "/bundles", BEARER).text)["bundles"]
        (bundle,) = offered
        assert bundle["free"] > 0
        expected = {
            "name": "TINY",
            "about": "One file that no server has",
            "gigabytes": 0.0,
            "missing": 0,
            "complete": False,
        }
        assert bundle | {"free": 0} == expected | {"free": 0}
        unknown = ask(own, "/bundles/NOBODYS/fetch", BEARER, "POST")
        assert (unknown.status, json.loads(unknown.text)["problem"]) == (409, "there is no bundle NOBODYS")
        assert ask(own, "/bundles/TINY/fetch", method="POST").status == 401
        assert ask(own, "/bundles/TINY/fetch", BEARER, "POST").status == 200
        assert (own.home / "comfyui/.podkeeper/models-wanted/TINY").exists()
        assert ask(own, "/bundles/NOBODYS/first", BEARER, "POST").status == 409
        assert ask(own, "/bundles/TINY/first", BEARER, "POST").status == 200
        kept = json.loads((own.home / "comfyui/.podkeeper/models-order.json").read_text())
        assert kept == {"first": ["TINY"], "later": []}

        def files() -> list[Any]:
            return list((status_of(own)["models"] or {}).get("files", []))

        wait_until(lambda: [each["dest"] for each in files()] == ["vae/tiny.safetensors"], 60, "it is tried", 0.3)


# -- without a login


def test_without_login_the_page_is_open_to_all_but_foreign_pages(tmp_path: Path) -> None:
    with running(tmp_path / "pod", {"JUPYTER_TOKEN": "", "JUPYTER_AUTH": "none"}) as own:
        wait_for_status(own)
        assert ask(own, "/").status == 200
        assert any(each["name"] == "JupyterAuthOff" for each in json.loads(ask(own, "/status.json").text)["conditions"])
        for foreign in FOREIGN:
            assert ask(own, "/status.json", foreign).status == 403
            assert ask(own, "/programs/jupyter/stop", foreign, "POST").status == 403


# -- nothing depends on it


def status_process(pod: Pod) -> psutil.Process | None:
    return next((member for member in pod.family() if "entrypoint.status" in member.cmdline()), None)


def others(pod: Pod) -> dict[str, int]:
    """Everything that runs all the time and should be left alone: program -> process id."""
    programs = json.loads((pod.home / "run/programs.json").read_text())["programs"]
    return {name: programs[name]["pid"] for name in ("jupyter", "logs", "prober")}


def test_a_killed_status_server_is_restarted_and_disturbs_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as own:
        own.wait_for_jupyter()
        wait_for_status(own)
        wait_until(lambda: service(own, "jupyter")["state"] == "RUNNING", 30, "JupyterLab has settled")
        before, first = others(own), status_process(own)
        assert first is not None
        first.send_signal(signal.SIGSTOP)  # frozen: JupyterLab and supervisord go on
        assert own.jupyter("/api/contents")["type"] == "directory"
        assert "RUNNING" in own.podkeeper("status").stdout
        assert others(own) == before
        first.kill()
        wait_for_status(own)
        assert own.jupyter("/api/contents")["type"] == "directory"
        assert others(own) == before
        again = status_process(own)
        assert again is not None
        assert again.pid != first.pid
        assert own.stop() == 0


@pytest.mark.skipif(not os.environ.get("PODKEEPER_LONG"), reason="takes over a minute: PODKEEPER_LONG=1")
def test_a_frozen_status_server_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as own:
        own.wait_for_jupyter()
        wait_for_status(own)
        first = status_process(own)
        assert first is not None
        wait_until(lambda: "status: process" in own.log("podkeeper-prober.log"), 30, "the prober has seen it", 0.5)
        first.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        wait_until(lambda: not first.is_running(), 120, "the prober ends it", 0.5)
        print(f"replaced after {time.monotonic() - began:.0f} s")
        wait_for_status(own)
        assert service(own, "status")["reason"].startswith("hung")


def test_a_frozen_supervisord_is_reported_and_the_page_keeps_working(tmp_path: Path) -> None:
    with running(tmp_path / "pod") as own:
        own.wait_for_jupyter()
        wait_for_status(own)
        supervisord = psutil.Process(own.process.pid)
        supervisord.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: status_of(own)["supervised"] is False, 20, "it is told", 0.2)
            assert service(own, "jupyter")["health"] == "up"  # from what the plugin wrote down
            answer = ask(own, "/programs/jupyter/stop", BEARER, "POST")
            assert answer.status == 409
            assert "supervisord does not answer" in answer.text
        finally:
            supervisord.send_signal(signal.SIGCONT)


def test_a_taken_port_is_reported_in_one_line(tmp_path: Path) -> None:
    """While the pod runs: a start takes another port than one that is taken."""
    with running(tmp_path / "pod") as own, contextlib.ExitStack() as stack:
        own.wait_for_log("Status is up")
        port = own.environ["STATUS_INTERNAL_PORT"]
        take_the_port_of("status")(own, stack)
        own.wait_for_log(f"status   | cannot listen on port {port}: Address already in use; set STATUS_INTERNAL_PORT")
        own.wait_for_jupyter()
        assert "Traceback" not in own.text
