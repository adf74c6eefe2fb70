"""The Nodes card's buttons: real commands on real clones, one at a time, whose outcome every page shows."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from entrypoint.system.loopback_http import send
from tests.support.node_repositories import commit, git, head, new_repository
from tests.support.pod import Pod, running
from tests.support.status_server import BEARER, SIBLING, Answer, ask, logged_in, status_of, wait_for_status
from tests.support.waiting import wait_until

#: Its launcher ends before it decides about nodes.
WITHOUT_COMFYUI = {"JUPYTER_ENABLED": "false", "COMFYUI_ENABLED": "true", "COMFYUI_DIR": "/nowhere"}
ODD = ("an 'odd' näme, %41 & <b>co", "--help", "two\nlines", "?seen=#1;x", "x..%2f..")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's repository."""
    return new_repository(tmp_path_factory.mktemp("origin") / "Probe", {"__init__.py": "", "requirements.txt": "lib"})


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, origin: Path) -> Iterator[Pod]:
    """A pod with nodes: a clone, one that is left out, and some with odd names."""
    home = tmp_path_factory.mktemp("nodes") / "pod"
    folder = home / "comfyui/custom_nodes"
    for name in ("Bad", *ODD):
        (folder / name).mkdir(parents=True)
    git(folder, "clone", "--quiet", str(origin), "Probe")
    left_out = home / "comfyui/.podkeeper/nodes.json"
    left_out.parent.mkdir()
    left_out.write_text(json.dumps({"left_out": {"Bad": {"reason": "it ended ComfyUI", "stamp": ""}}}))
    with running(home, WITHOUT_COMFYUI) as started:
        wait_for_status(started)
        wait_until(lambda: len(nodes(started)["nodes"]) == 2 + len(ODD), 30, "the nodes are published", 0.1)
        yield started


def nodes(pod: Pod) -> dict[str, Any]:
    found: dict[str, Any] = status_of(pod)["nodes"]
    return found


def node(pod: Pod, name: str) -> dict[str, Any]:
    return next(each for each in nodes(pod)["nodes"] if each["name"] == name)


def press(pod: Pod, path: str, headers: dict[str, str] | None = None) -> Answer:
    return ask(pod, f"/nodes/{path}", BEARER if headers is None else headers, "POST")


def outcome(pod: Pod, path: str) -> dict[str, Any]:
    """Press a button; how its work ended."""
    before = nodes(pod)["last"]
    assert press(pod, path).status == 202

    def ended() -> dict[str, Any] | None:
        found = nodes(pod)
        last: dict[str, Any] = found["last"]
        return last if found["work"] is None and last != before else None

    return wait_until(ended, 60, "the work has ended", 0.1)


def test_the_nodes_are_in_the_status_and_the_metrics(pod: Pod, origin: Path) -> None:
    assert node(pod, "Bad")["state"] == "left out"
    assert node(pod, "Bad")["reason"] == "it ended ComfyUI"
    assert node(pod, "Probe")["commit"] == head(origin)
    assert node(pod, "Probe")["repository"] == ""  # a path is no address for a browser
    assert str(pod.home) not in json.dumps(nodes(pod))
    assert 'podkeeper_custom_nodes{state="left out"} 1' in ask(pod, "/metrics", BEARER).text


def test_a_node_that_is_left_out_is_tried_again(pod: Pod) -> None:
    assert outcome(pod, "Bad/try")["problem"] is False
    wait_until(lambda: node(pod, "Bad")["state"] == "new", 10, "it is tried at the next start", 0.1)
    last = outcome(pod, "Bad/try")
    assert (last["text"], last["problem"]) == ("trying Bad again: Bad is not left out", True)


def test_an_update_is_found_and_made(pod: Pod, origin: Path) -> None:
    newer = commit(origin, {"__init__.py": "NODE_CLASS_MAPPINGS = {}", "requirements.txt": ""})
    assert outcome(pod, "outdated")["problem"] is False
    wait_until(lambda: node(pod, "Probe")["newest"] == newer, 10, "the update is shown", 0.1)
    commit(origin, {"requirements.txt": "lib"})
    last = outcome(pod, "Probe/update")  # without ComfyUI nothing can be installed: the node is as it was
    assert last["problem"] is True
    assert "ComfyUI's packages are not ready" in last["text"]
    assert head(pod.home / "comfyui/custom_nodes/Probe") != newer


@pytest.mark.parametrize("name", ODD)
def test_a_name_may_hold_anything(pod: Pod, name: str) -> None:
    last = outcome(pod, f"{quote(name, safe='')}/repair")
    assert (last["text"], last["problem"]) == (f"repairing {' '.join(name.split())}: it asks for no packages", False)
    assert 0 <= time.time() - last["at"] < 60


def test_a_restart_is_offered_after_a_change_only(pod: Pod, origin: Path) -> None:
    clone = pod.home / "comfyui/custom_nodes/Probe"
    git(clone, "fetch", "--quiet", "origin")
    git(clone, "reset", "--quiet", "--hard", head(origin))
    before = changed(pod)
    outcome(pod, "outdated")
    assert outcome(pod, "Probe/update")["text"] == "updating Probe: Probe is the newest already"
    assert changed(pod) == before
    outcome(pod, "Bad/repair")
    assert changed(pod) > before


def changed(pod: Pod) -> float:
    """Time of the last change; ComfyUI is restarted where it runs since before that."""
    record = json.loads((pod.home / "run/reports/node-work.json").read_text())
    return float(record.get("changed", 0))


@pytest.mark.parametrize(
    "path", ["Gone/repair", "../x/repair", "%2e%2e/repair", "Bad/remove", "Bad/install", "Bad", "-v/repair"]
)
def test_an_unknown_node_or_button_is_not_found(pod: Pod, path: str) -> None:
    assert press(pod, path).status in (404, 405)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer guessed"}, BEARER | {"Origin": SIBLING, "Sec-Fetch-Site": "same-site"}]
)
def test_the_buttons_need_the_login_and_the_pods_own_page(pod: Pod, headers: dict[str, str]) -> None:
    """Without the login; and a neighbour's page, with the cookie of a logged-in browser."""
    if "Origin" in headers:
        headers = logged_in(pod) | {name: text for name, text in headers.items() if name != "Authorization"}
    assert press(pod, "outdated", headers).status in (401, 403)


def test_the_server_itself_believes_the_door_alone(pod: Pod) -> None:
    """A program of the pod that finds the inner port gets nothing."""
    port = int(pod.environ["STATUS_INTERNAL_PORT"])
    for path in ("/nodes/outdated", "/nodes/Bad/try"):
        assert send("POST", port, path, 10, BEARER).status == 401


@pytest.fixture
def silent(pod: Pod) -> Iterator[None]:
    """The node's source accepts connections and never responds."""
    clone = pod.home / "comfyui/custom_nodes/Probe"
    before = git(clone, "remote", "get-url", "origin")
    with socket.create_server(("127.0.0.1", 0)) as server:
        git(clone, "remote", "set-url", "origin", f"http://127.0.0.1:{server.getsockname()[1]}/Probe")
        yield
    git(clone, "remote", "set-url", "origin", before)


def git_processes(pod: Pod) -> list[psutil.Process]:
    return [each for each in pod.family() if "ls-remote" in each.cmdline()]


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("ending", ["SIGTERM", "SIGKILL"])
def test_one_work_at_a_time_and_none_goes_on_unseen(pod: Pod, ending: str) -> None:
    """A killed server cannot end what it has started: supervisord does."""
    assert press(pod, "outdated").status == 202
    wait_until(lambda: git_processes(pod), 20, "git asks", 0.05)
    work = wait_until(lambda: nodes(pod)["work"], 10, "the work is shown", 0.1)
    assert work["text"] == "checking for updates"
    assert time.time() - work["since"] < 60
    refused = press(pod, "Bad/repair")
    assert (refused.status, json.loads(refused.text)) == (409, {"problem": "checking for updates is not finished"})
    (server,) = [each for each in pod.family() if "entrypoint.status" in each.cmdline()]
    server.send_signal(signal.Signals[ending])
    wait_until(lambda: not server.is_running(), 10, "the server has ended", 0.05)
    wait_until(lambda: not git_processes(pod), 10, "git has ended with the server", 0.1)
    wait_for_status(pod)
    wait_until(lambda: "interrupted" in nodes(pod)["last"]["text"], 10, "it is said", 0.1)
    assert nodes(pod)["work"] is None
    assert outcome(pod, f"{quote(ODD[0], safe='')}/repair")["problem"] is False
