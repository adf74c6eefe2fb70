"""ComfyUI and the status page behind JupyterLab's login: `<JupyterLab>/podkeeper/<name>/`."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket

from entrypoint.system.loopback_http import Answer, send
from tests.support.broken_pods import STOCK_IDENTITY
from tests.support.checkout import ECHO_COMFYUI
from tests.support.pod import TOKEN, Pod, environ_for, running
from tests.support.waiting import wait_until

HOST = "abc123-{port}.proxy.runpod.net"
SIBLING = "https://zzz999-8189.proxy.runpod.net"
COMFYUI = "/podkeeper/comfyui"


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("tiles")
    environ = environ_for(folder) | {
        "COMFYUI_ENABLED": "true",
        "COMFYUI_DIR": str(ECHO_COMFYUI),
        "RUNPOD_POD_ID": "abc123",
    }
    with running(folder / "pod", environ) as started:
        started.wait_for_jupyter()
        started.wait_for_log("Logs ")
        yield started


def host(pod: Pod) -> str:
    return HOST.format(port=pod.jupyter_port)


def by_page(pod: Pod, origin: str = "", **others: str) -> dict[str, str]:
    """Headers of a request that a page sends with the login's cookie; `origin`: of that page."""
    first = WITH_TOKEN | {"Host": host(pod), "X-Forwarded-Proto": "https"}
    answer = send("GET", pod.jupyter_port, "/api/me", 10, first)
    (cookie,) = [line.partition(" ")[2].partition(";")[0] for line in answer.head.splitlines() if "Set-Cookie" in line]
    ours = {"Host": host(pod), "X-Forwarded-Proto": "https", "Cookie": cookie}
    return ours | {"Origin": origin or f"https://{host(pod)}"} | others


def ask(pod: Pod, path: str, headers: dict[str, str] | None = None, method: str = "GET", body: str = "") -> Answer:
    return send(method, pod.jupyter_port, path, 30, headers or {}, body)


WITH_TOKEN = {"Authorization": f"token {TOKEN}"}
PATHS = (
    "/podkeeper/tiles", COMFYUI, f"{COMFYUI}/", f"{COMFYUI}/echo", f"{COMFYUI}/system_stats", "/podkeeper/status/",
    "/podkeeper/status/status.json", "/podkeeper/status/events",
)  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_no_request_passes_without_the_login(pod: Pod, path: str, method: str) -> None:
    if (path, method) == ("/podkeeper/tiles", "OPTIONS"):
        return  # Jupyter's own answer to a CORS preflight, which tells nothing
    for headers in ({}, {"Authorization": "token guessed"}, {"Cookie": "username=anonymous"}):
        answer = ask(pod, path, headers, method)
        assert answer.status in (403, 405), answer
        assert "X-From-Behind" not in answer.head


def test_a_browser_without_the_login_is_sent_to_the_form(pod: Pod) -> None:
    answer = ask(pod, f"{COMFYUI}/", {"Accept": "text/html"})
    assert answer.status == 302
    assert "Location: /login?next=%2Fpodkeeper%2Fcomfyui%2F" in answer.head


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("origin", [SIBLING, "https://evil.example", "null"])
def test_a_foreign_page_can_not_use_the_cookie(pod: Pod, origin: str, method: str) -> None:
    """The origin guard holds here as well; the pod's own page gets through (the control)."""
    assert ask(pod, f"{COMFYUI}/echo", by_page(pod, origin), method).status == 403
    assert ask(pod, f"{COMFYUI}/echo", by_page(pod), method).status == 200


def test_a_foreign_page_can_not_embed_it_either(pod: Pod) -> None:
    """A picture or a frame sends no Origin; Sec-Fetch-Site tells."""
    embedded = by_page(pod) | {
        "Sec-Fetch-Site": "same-site",
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Dest": "image",
    }
    del embedded["Origin"]
    assert ask(pod, f"{COMFYUI}/echo", embedded).status == 403


def test_a_request_arrives_whole_and_without_the_login(pod: Pod) -> None:
    headers = by_page(pod, Cookie=by_page(pod)["Cookie"] + "; theirs=1; _xsrf=2") | WITH_TOKEN | {"X-Mine": "kept"}
    answer = ask(pod, f"{COMFYUI}/echo/a%20b?x=1&token={TOKEN}&y=2", headers, "POST", "body")
    seen = json.loads(answer.body)
    assert (answer.status, seen["method"], seen["query"], seen["length"]) == (200, "POST", "x=1&y=2", 4)
    assert seen["path"] == "echo/a b"
    assert seen["headers"]["X-Mine"] == "kept"
    assert seen["headers"]["Cookie"] == "theirs=1"
    assert TOKEN not in answer.body.decode()
    assert not {"Origin", "Authorization", "Referer"} & set(seen["headers"])
    assert "X-From-Behind: yes" in answer.head
    assert "behind=1" in answer.head


def test_an_upload_of_120_mb_passes(pod: Pod) -> None:
    answer = ask(pod, f"{COMFYUI}/echo", by_page(pod), "POST", "x" * (120 << 20))
    assert json.loads(answer.body)["length"] == 120 << 20


def test_events_arrive_as_they_happen(pod: Pod) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", pod.jupyter_port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", f"{COMFYUI}/slow", headers=WITH_TOKEN)
        answer = connection.getresponse()
        assert answer.readline() == b"data: first\n"
        assert ask(pod, f"{COMFYUI}/go", WITH_TOKEN).status == 200
        assert answer.read().endswith(b"data: last\n\n")


def connect(pod: Pod, headers: dict[str, str], path: str = f"{COMFYUI}/ws") -> websocket.WebSocket:
    given = {name: text for name, text in headers.items() if name not in ("Host", "Origin")}
    return websocket.create_connection(
        f"ws://127.0.0.1:{pod.jupyter_port}{path}", 10, host=headers.get("Host"), header=given,
        origin=headers.get("Origin"), suppress_origin="Origin" not in headers,
    )  # fmt: skip


def test_websockets_pass_texts_and_bytes_both_ways(pod: Pod) -> None:
    connection = connect(pod, by_page(pod))
    for message in ("text", "ä" * 100_000):
        connection.send(message)
        assert connection.recv() == message
    picture = bytes(range(256)) * 40_000
    connection.send_binary(picture)
    assert connection.recv() == picture
    connection.close()


@pytest.mark.parametrize("what", ["no login", "wrong token", "sibling pod's page", "other site's page"])
def test_a_websocket_needs_the_login_and_an_own_page(pod: Pod, what: str) -> None:
    headers = {
        "no login": {},
        "wrong token": {"Authorization": "token guessed"},
        "sibling pod's page": by_page(pod, SIBLING),
        "other site's page": by_page(pod, "https://evil.example"),
    }[what]
    for path in (f"{COMFYUI}/ws", f"{COMFYUI}/", "/podkeeper/status/"):
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            connect(pod, headers, path)


def test_while_a_page_is_down_browsers_get_a_page_that_reloads_and_programs_a_502(pod: Pod) -> None:
    pod.podkeeper("stop", "comfyui")
    assert ask(pod, f"{COMFYUI}/echo", WITH_TOKEN).status == 502
    page = ask(pod, f"{COMFYUI}/", WITH_TOKEN | {"Accept": "text/html"})
    assert (page.status, b"ComfyUI does not answer yet" in page.body, "X-Podkeeper: starting" in page.head) == (
        200, True, True,
    )  # fmt: skip
    with pytest.raises(websocket.WebSocketBadStatusException, match="502"):
        connect(pod, by_page(pod))
    pod.podkeeper("start", "comfyui")
    wait_until(lambda: ask(pod, f"{COMFYUI}/echo", WITH_TOKEN).status == 200, 20, "it is back", 0.2)


def test_the_status_page_asks_for_no_second_login(pod: Pod) -> None:
    assert json.loads(ask(pod, "/podkeeper/status/status.json", by_page(pod)).body)["pod"] == "abc123"
    assert ask(pod, "/podkeeper/status/", by_page(pod)).status == 200
    assert send("GET", pod.status_port, "/status.json", 10).status in (401, 403)  # the control


def test_the_tiles_are_those_of_the_pages_that_run(pod: Pod, tmp_path: Path) -> None:
    names = [tile["name"] for tile in json.loads(ask(pod, "/podkeeper/tiles", WITH_TOKEN).body)["tiles"]]
    assert names == ["comfyui", "status"]
    environ = environ_for(tmp_path) | {"STATUS_ENABLED": "false"}
    with running(tmp_path / "pod", environ) as other:
        other.wait_for_jupyter()
        assert other.jupyter("/podkeeper/tiles") == {"tiles": []}


def test_other_extensions_are_still_found(pod: Pod) -> None:
    """Naming ours must not keep JupyterLab from looking for those that users install."""
    assert "jupyter_lsp | extension was successfully loaded" in pod.log("jupyter.log")
    assert "entrypoint.jupyter.tile_proxy | extension was successfully loaded" in pod.log("jupyter.log")


def test_without_the_guard_a_foreign_page_would_get_through(tmp_path: Path) -> None:
    """Negative control: with Jupyter's stock identity provider the same request is answered."""
    folder = tmp_path / "pod/comfyui/.jupyter"
    folder.mkdir(parents=True)
    (folder / "jupyter_lab_config.py").write_text(STOCK_IDENTITY)
    with running(tmp_path / "pod", environ_for(tmp_path) | {"RUNPOD_POD_ID": "abc123"}) as pod:
        pod.wait_for_jupyter()
        wait_until(lambda: send("GET", pod.status_port, "/healthz", 2).status == 200, 30, "the status page is up")
        assert ask(pod, "/podkeeper/status/", by_page(pod, SIBLING)).status == 200
