"""What ComfyUI's page may ask the status server for at ComfyUI's own port: three addresses, behind the same login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.door.origin_cases import CASES, LINK, OWN, Case
from tests.support.door.running_door import BEARER, HTML, TOKEN, Scene, running, status_of_length, websocket

SECRET, PODKEEPER = "d" * 64, "/podkeeper/workflow"
OPERATIONS = ("plan", "fetch", "state")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    settings = {"RUNPOD_POD_ID": "abc123", "JUPYTER_ALLOWED_ORIGINS": "https://my.example"}
    with running(tmp_path_factory.mktemp("workflow") / "pod", settings, others=("status",)) as made:
        yield made


def who(scene: Scene, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, str]:
    """The status, and which service the request reached, with the door's secret or without."""
    answer = scene.ask(path, BEARER if headers is None else headers, method, b"{}" if method == "POST" else None)
    if answer.status != 200:
        return answer.status, ""
    uri, secret = answer.json["uri"], answer.json["headers"].get("X-Podkeeper-Door", "")
    assert secret in ("", SECRET)
    return 200, f"{'comfyui' if uri.startswith('/podkeeper') else 'status'}{' with the secret' if secret else ''}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_status_server_gets_the_request_with_the_doors_secret(door: Scene, operation: str) -> None:
    for method in ("GET", "POST"):
        assert who(door, f"{PODKEEPER}/{operation}", method=method) == (200, "status with the secret")
    answer = door.ask(f"{PODKEEPER}/{operation}?token={TOKEN}&a=1", BEARER | {"X-Podkeeper-Door": "guessed"})
    assert answer.json["uri"] == f"/workflow/{operation}"  # no query
    assert TOKEN not in answer.body.decode()
    assert answer.json["headers"]["X-Podkeeper-Door"] == SECRET


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_without_the_login(door: Scene, operation: str, method: str) -> None:
    for headers in ({}, HTML, {"X-Podkeeper-Door": SECRET}, {"Authorization": "Basic eDp5"}):
        answer = door.ask(f"{PODKEEPER}/{operation}", headers, method, b"{}")
        assert answer.status == 401
    assert websocket(door.port, path=f"{PODKEEPER}/{operation}") == 401


@pytest.mark.parametrize("case", [each for each in CASES if each.method != "HEAD"], ids=lambda case: case.what)
def test_a_cookie_counts_for_the_pods_own_page_alone(door: Scene, case: Case) -> None:
    cookie = door.ask(f"/?token={TOKEN}", HTML).cookie
    tls = case.headers.get("X-Forwarded-Proto") == "https"
    headers = {name: text.format(port=door.port) for name, text in case.headers.items()}
    headers |= {"Host": case.host.format(port=door.port), "Cookie": f"__Host-{cookie}" if tls else cookie}
    found = who(door, f"{PODKEEPER}/state", headers, case.method)
    if case.sender == OWN:
        assert found == (200, "status with the secret")
    else:
        assert found[0] in ((303, 401, 403) if case.sender == LINK else (401, 403))


@pytest.mark.parametrize(
    "path",
    ["", "/", "/plan/", "/plan/x", "/plans", "/State", "/state.json", "/..", "/../workflow", "/fetch%2f",
     "/%2e%2e/logs/pod", "/state/../../../logs/pod", "/stop", "/plan%00", "/plan;x", "/x/plan"],
)  # fmt: skip
def test_every_other_address_is_comfyuis_which_gets_no_secret(door: Scene, path: str) -> None:
    status, reached = who(door, PODKEEPER + path)
    assert (status, reached) in ((200, "comfyui"), (400, ""), (404, ""))


def test_spellings_of_an_operation_reach_that_operation_and_nothing_else(door: Scene) -> None:
    for path in (f"{PODKEEPER}//plan", f"{PODKEEPER}/%70lan", f"/x/..{PODKEEPER}/plan", f"{PODKEEPER}/./plan"):
        answer = door.ask(path, BEARER)
        assert answer.json["uri"] == "/workflow/plan"


def test_a_node_that_redirects_there_inside_the_door_gets_no_secret(door: Scene) -> None:
    """X-Accel-Redirect of ComfyUI's, which the handover of files needs."""
    for operation in OPERATIONS:
        answer = door.ask(f"/accel?to={PODKEEPER}/{operation}", BEARER)
        assert SECRET not in answer.body.decode()
        assert answer.json["uri"] == f"/workflow/{operation}"  # it gets there, and the status server refuses it


@pytest.mark.parametrize(("operation", "most"), [("plan", 32 << 20), ("fetch", 64 << 10), ("state", 1 << 10)])
def test_bodies_have_a_limit(door: Scene, operation: str, most: int) -> None:
    assert status_of_length(door.port, f"{PODKEEPER}/{operation}", BEARER, most + 1) == 413
    if most < 1 << 20:
        assert door.ask(f"{PODKEEPER}/{operation}", BEARER, "POST", bytes(most)).status == 200


def test_other_ports_have_none_of_it(door: Scene) -> None:
    assert door.ask(f"{PODKEEPER}/state", BEARER, service="status").json["uri"] == f"{PODKEEPER}/state"


def test_without_a_status_server_comfyui_gets_the_request_and_no_secret(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("alone") / "pod") as scene:
        for operation in OPERATIONS:
            assert who(scene, f"{PODKEEPER}/{operation}") == (200, "comfyui")


@pytest.mark.parametrize(("jupyter", "reached"), [("token", "status"), ("none", "status with the secret")])
def test_where_comfyui_asks_for_no_login_it_is_needed_here_as_at_the_status_page(
    tmp_path_factory: pytest.TempPathFactory, jupyter: str, reached: str
) -> None:
    settings = {"COMFYUI_AUTH": "none", "JUPYTER_AUTH": jupyter}
    with running(tmp_path_factory.mktemp("open") / "pod", settings, others=("status",)) as scene:
        assert who(scene, f"{PODKEEPER}/fetch", {}, "POST") == (200, reached)  # without the secret: 401
        assert who(scene, f"{PODKEEPER}/fetch", BEARER, "POST") == (200, "status with the secret")
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert who(scene, f"{PODKEEPER}/fetch", foreign, "POST")[0] in (401, 403)
