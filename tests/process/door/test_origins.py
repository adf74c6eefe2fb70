"""Whose page sent a request, and what it may do with the user's cookie: the same at all three ports."""

from collections.abc import Iterator

import pytest

from tests.support.door.origin_cases import ALIEN, CASES, LINK, LISTED, OWN, TLS, Case, for_port
from tests.support.door.running_door import Scene, running

SETTINGS = {"RUNPOD_POD_ID": "abc123", "JUPYTER_ALLOWED_ORIGINS": LISTED}
SERVICES = ("comfyui", "jupyter", "status")
#: A page of each user interface, as a followed link may open it; and what must not be opened so.
UI_PAGES = {"comfyui": ["/"], "jupyter": ["/", "/lab", "/lab/tree/a%20b.ipynb", "/login"], "status": ["/"]}
NO_PAGES = {
    "comfyui": ["/manager/reboot", "/echo", "/view", "//", "/.//echo", "/lab", "/lab/x", "/podkeeper/comfyui/"],
    "jupyter": ["/api/shutdown", "/files/a.html", "/lab/api/settings", "/lab/..%2fapi", "/lab/../echo", "/%6cab",
                "/labx", "/tree", "/podkeeper/comfyui/manager/reboot", "/podkeeper/status/x", "/podkeeper/open/"],
    "status": ["/status.json", "/programs/comfyui/restart", "/lab"],
}  # fmt: skip
CLICK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("rules") / "pod", SETTINGS, others=("jupyter", "status")) as made:
        yield made


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    settings = SETTINGS | {"COMFYUI_AUTH": "none", "JUPYTER_AUTH": "none"}
    with running(tmp_path_factory.mktemp("open") / "pod", settings, others=("jupyter", "status")) as made:
        yield made


def cookie_of(door: Scene) -> str:
    return door.ask("/podkeeper/login", {"Authorization": f"Bearer {door.token}"}, "POST").cookie


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_cookie_counts_on_the_pods_own_pages_only(case: Case, service: str, door: Scene) -> None:
    case = for_port(case, door.public(service))
    cookie = cookie_of(door)
    if case.headers.get("X-Forwarded-Proto") == "https":
        cookie = f"__Host-{cookie}"
    answer = door.ask("/queue", {"Host": case.host, "Cookie": cookie, **case.headers}, case.method, service=service)
    assert answer.status == {OWN: 200, LINK: 303, ALIEN: 401}[case.sender]
    assert answer.headers.get("Location") == ("/" if case.sender == LINK else None)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_without_a_login_foreign_pages_are_refused_all_the_same(case: Case, service: str, open_door: Scene) -> None:
    case = for_port(case, open_door.public(service))
    answer = open_door.ask("/queue", {"Host": case.host, **case.headers}, case.method, service=service)
    unknown = case.host.startswith("h.example")  # not one of the pod's names
    assert answer.status == (403 if unknown else {OWN: 200, LINK: 303, ALIEN: 403}[case.sender])


@pytest.mark.parametrize(("service", "page"), [(name, page) for name, pages in UI_PAGES.items() for page in pages])
def test_a_followed_link_opens_a_page_of_the_user_interface_without_its_query(
    door: Scene, open_door: Scene, service: str, page: str
) -> None:
    for scene, headers in ((door, {"Cookie": cookie_of(door)}), (open_door, {})):
        assert scene.ask(page, CLICK | headers, service=service).status in (200, 302, 404)  # the stand-in has only /
        answer = scene.ask(f"{page}?reset&clone=x", CLICK | headers, service=service)
        assert (answer.status, answer.headers["Location"]) == (303, page)


@pytest.mark.parametrize(("service", "path"), [(name, path) for name, paths in NO_PAGES.items() for path in paths])
def test_a_followed_link_opens_nothing_else(door: Scene, open_door: Scene, service: str, path: str) -> None:
    for scene, headers in ((door, {"Cookie": cookie_of(door)}), (open_door, {})):
        for site in ("cross-site", "same-site"):
            answer = scene.ask(path, CLICK | headers | {"Sec-Fetch-Site": site}, service=service)
            assert (answer.status, answer.headers.get("Location")) == (303, "/")


def test_a_wrong_token_in_a_followed_link_counts_as_a_guess(door: Scene) -> None:
    """Else the redirect would tell a right token from a wrong one, as fast as requests come."""
    assert door.ask("/queue?token=guess", CLICK).status == 401
    assert door.ask(f"/queue?token={door.token}", CLICK).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "[::1]:{}", "localhost:{}", "10.0.0.7", "abc123-{}.proxy.runpod.net",
                                  "my.example", "my.example:81"])  # fmt: skip
def test_without_a_login_the_pods_own_names_are_accepted(open_door: Scene, host: str) -> None:
    for service in SERVICES:
        name = host.format(open_door.public(service))
        assert open_door.ask("/queue", {"Host": name, **TLS}, service=service).status == 200


@pytest.mark.parametrize("host", ["evil.example:{}", "127.0.0.1.evil.example", "localhost.evil.example", "my.example.",
                                  "evil-my.example", "abc124-{}.proxy.runpod.net", "999"])  # fmt: skip
def test_without_a_login_a_name_of_somebody_elses_is_refused(open_door: Scene, host: str) -> None:
    """DNS rebinding: a page of evil.example, whose name leads to the pod, is same-origin with it for the browser."""
    for service in SERVICES:
        name = host.format(open_door.public(service))
        page = {"Host": name, "Origin": f"http://{name}", "Sec-Fetch-Site": "same-origin"}
        for method, path in (("POST", "/prompt"), ("GET", "/queue"), ("GET", "/")):
            assert open_door.ask(path, page, method, service=service).status == 403
