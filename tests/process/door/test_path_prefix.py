"""ComfyUI's port below a path prefix: a proxy in front takes `/comfy` away (`location /comfy/` of nginx)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest

from tests.support.door.running_door import HTML, TOKEN, Scene, running

BASE = "http://home.example/comfy"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("prefix") / "pod") as made:
        yield made


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("prefix") / "pod", comfyui=False) as made:
        yield made


def leads_to(scene: Scene, path: str, headers: dict[str, str]) -> str:
    """Where a browser goes whose address has the prefix, which the pod does not see."""
    answer = scene.raw(path, headers)
    assert answer.status in (302, 303)
    return urljoin(BASE + path, answer.headers["Location"])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/?token={}", "/"), ("/?token={}&a=1", "/?a=1"), ("/a/b?token={}", "/a/b"), ("/a/?token={}", "/a/"),
        ("/a/b/c/d?token={}&x=y", "/a/b/c/d?x=y"), ("/a:b?token={}", "/a:b"),
    ],
)  # fmt: skip
def test_the_login_stays_below_the_prefix(scene: Scene, path: str, expected: str) -> None:
    assert leads_to(scene, path.format(TOKEN), HTML) == BASE + expected


@pytest.mark.parametrize("path", ["/", "/login", "/a", "/a/b/c", "/a/b/c/d/e"])
def test_a_followed_link_stays_below_the_prefix(scene: Scene, path: str) -> None:
    cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = scene.raw(path, HTML | link | {"Cookie": cookie})
    if path == "/":
        assert answer.status == 200
    else:
        assert urljoin(BASE + path, answer.headers["Location"]) == BASE + "/"


@pytest.mark.parametrize("path", ["/", "/a", "/a/b/c?d=/e/f"])
def test_the_pages_ask_below_the_prefix(scene: Scene, starting: Scene, path: str) -> None:
    login = scene.raw(path, HTML).body.decode()
    found = login.partition('fetch("')[2].partition('"')[0]
    assert urljoin(BASE + path, found) == f"{BASE}/podkeeper/login"
    page = starting.raw(path, HTML | {"Authorization": f"Bearer {TOKEN}"}).body.decode()
    found = page.partition('programs } = await get("')[2].partition('"')[0]
    assert urljoin(BASE + path, found) == f"{BASE}/podkeeper/programs.json"
