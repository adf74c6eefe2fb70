"""While ComfyUI is down: the starting page for browsers, 503 for programs, no request hangs; then ComfyUI again."""

import concurrent.futures
import http.client
import json
import pathlib
import threading
import time
from collections.abc import Iterator

import pytest

from entrypoint.conditions.condition import Condition
from entrypoint.system.condition_store import raise_condition
from tests.support.door.running_door import BEARER, HTML, TOKEN, Scene, ask, end, running, websocket
from tests.support.waiting import wait_until

PATIENCE = 5.0  # seconds; every answer comes within them


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("starting") / "pod", comfyui=False) as made:
        yield made


def test_a_browser_gets_the_starting_page_with_200_and_its_own_header(scene: Scene) -> None:
    """Cloudflare would put a page of its own in the place of a 5xx."""
    for path in ("/", "/view?filename=x.png"):
        answer = scene.ask(path, HTML | BEARER, timeout=PATIENCE)
        assert (answer.status, answer.headers["X-Podkeeper"]) == (200, "starting")
        assert b"ComfyUI is starting" in answer.body
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("POST", HTML), ("GET", {"Accept": "application/json"})])
def test_programs_get_503_with_retry_after(scene: Scene, method: str, headers: dict[str, str]) -> None:
    answer = scene.ask("/prompt", BEARER | headers, method, b"x" * 3_000_000 if method == "POST" else None, PATIENCE)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json["error"]


def test_a_websocket_gets_503(scene: Scene) -> None:
    assert websocket(scene.port, BEARER) == 503


def test_only_who_is_logged_in_sees_the_pods_state(scene: Scene) -> None:
    raise_condition(str(scene.runtime), Condition("ComfyUIMissing", "there is no main.py", "set COMFYUI_DIR"))
    (scene.runtime / "programs.json").write_text(json.dumps({"supervisord": 1, "programs": {}}))
    (listed,) = scene.ask("/podkeeper/conditions/", BEARER).json
    told = scene.ask(f"/podkeeper/conditions/{listed['name']}", BEARER).json
    assert (told["reason"], told["remedy"]) == ("there is no main.py", "set COMFYUI_DIR")
    assert scene.ask("/podkeeper/programs.json", BEARER).json == {"supervisord": 1, "programs": {}}
    for path in (
        "/podkeeper/conditions/",
        "/podkeeper/conditions/ComfyUIMissing.json",
        "/podkeeper/programs.json",
    ):
        assert scene.ask(path).status == 401
        assert b"main.py" not in scene.ask(path, HTML).body


@pytest.mark.parametrize(
    "path",
    ["/podkeeper/conditions/../jupyter_token", "/podkeeper/conditions/%2e%2e/jupyter_token",
     "/podkeeper/conditions..%2fjupyter_token", "/podkeeper/conditions../jupyter_token"],
)  # fmt: skip
def test_nothing_else_of_the_runtime_folder_is_served(scene: Scene, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", scene.port, timeout=PATIENCE)
    connection.request("GET", path, headers=BEARER)
    answer = connection.getresponse()
    assert answer.status in (400, 404, 503)
    assert TOKEN.encode() not in answer.read()
    connection.close()


def test_comfyui_killed_under_load_leaves_no_request_hanging_and_recovers(tmp_path: pathlib.Path) -> None:
    """Clients hammer it while ComfyUI is killed and started again, three times."""
    with running(tmp_path / "pod", comfyui=False) as scene:
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(hammer, scene.port, stop, n) for n in range(8)]
            try:
                for _ in range(3):
                    comfyui = scene.start_comfyui()
                    wait_until(lambda: scene.ask("/queue", BEARER).status == 200, PATIENCE, "it is back")
                    wait_until(lambda: b"the real" in scene.ask("/", HTML | BEARER).body, PATIENCE, "and its page")
                    end(comfyui)
                    wait_until(lambda: scene.ask("/queue", BEARER).status == 503, PATIENCE, "it is down")
            finally:
                stop.set()
            seen = [client.result(30) for client in clients]
    statuses = set().union(*(each[0] for each in seen))
    assert statuses == {"200", "503", "starting", "cut"} or statuses == {"200", "503", "starting"}
    assert max(each[1] for each in seen) < PATIENCE


def hammer(port: int, stop: threading.Event, number: int) -> tuple[set[str], float]:
    """What one client saw, and the longest it waited. "cut": ComfyUI died in the middle of an answer."""
    seen, longest = set(), 0.0
    while not stop.is_set():
        before = time.monotonic()
        try:
            if number % 2:
                answer = ask(port, "/", HTML | BEARER, timeout=30)
                seen.add(answer.headers.get("X-Podkeeper", str(answer.status)))
            else:
                seen.add(str(ask(port, "/sink", BEARER, "POST", bytes(100_000), timeout=30).status))
        except TimeoutError:
            seen.add("hung")
        except (OSError, http.client.HTTPException):
            seen.add("cut")
        longest = max(longest, time.monotonic() - before)
    return seen, longest


def test_a_request_that_waits_when_comfyui_dies_is_answered(tmp_path: pathlib.Path) -> None:
    with running(tmp_path / "pod") as scene, concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(scene.ask, "/hang", BEARER, timeout=20)
        wait_until(lambda: scene.behind("/queue")["hanging"], 5, "ComfyUI has it")
        end(scene.processes[0])
        assert waiting.result(PATIENCE).status == 503
