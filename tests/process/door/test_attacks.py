"""What pages of a sibling pod and of a foreign site get done with the user's cookie: nothing, seen in the queue,
on the disk and among the WebSockets. Past the gateway the same requests have their effect (the negative control).

The headers are those Chromium sends; tests/browser/test_comfyui_door.py has it send them itself.
"""

import pathlib
from collections.abc import Iterator

import pytest

from tests.support.door.running_door import HTML, TOKEN, Scene, ask, running, websocket

HOST = "100.65.12.34:60123"  # rewritten by the proxy: it can't tell whose page is the pod's own
PAGES = {
    "sibling pod": {"Origin": "https://zzz999-8188.proxy.runpod.net", "Sec-Fetch-Site": "same-site"},
    "foreign site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "sandboxed frame": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "old browser": {"Origin": "https://evil.example"},
}
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="loot.png"\r\n'
    b"Content-Type: image/png\r\n\r\nloot\r\n--x--\r\n"
)
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture(params=["token", "none"])
def victim(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Scene]:
    """A gateway to attack; the test reads its state afterwards."""
    with running(tmp_path / "pod", {"COMFYUI_AUTH": request.param, "RUNPOD_POD_ID": "abc123"}) as scene:
        yield scene


def attack(port: int, page: dict[str, str], cookie: str) -> list[int]:
    """The statuses of a prompt, an upload and a WebSocket."""
    headers = {"Host": HOST, "Cookie": cookie, **page}
    return [
        ask(port, "/prompt", headers, "POST", b"{}").status,
        ask(port, "/upload/image", headers | MULTIPART, "POST", FORM).status,
        websocket(port, headers),
    ]


def effects(scene: Scene) -> tuple[int, int, int]:
    """Prompts queued, files uploaded, WebSockets opened."""
    queue = scene.behind("/queue")
    return len(queue["queue_pending"]), len(list(scene.data.rglob("loot*"))), len(queue["sockets"])


@pytest.mark.parametrize("page", PAGES)
def test_no_attack_succeeds(victim: Scene, page: str) -> None:
    cookie = victim.ask(f"/?token={TOKEN}", HTML).headers.get("Set-Cookie", "").partition(";")[0]
    assert set(attack(victim.port, PAGES[page], cookie)) <= {401, 403}
    assert effects(victim) == (0, 0, 0)


def test_the_pods_own_page_succeeds_with_the_same_requests(victim: Scene) -> None:
    own = {"Origin": f"https://abc123-{victim.port}.proxy.runpod.net", "Sec-Fetch-Site": "same-origin"}
    cookie = victim.ask(f"/?token={TOKEN}", HTML).headers.get("Set-Cookie", "").partition(";")[0]
    assert attack(victim.port, own, cookie) == [200, 200, 101]
    assert effects(victim) == (1, 1, 1)


def test_without_the_guard_the_same_attacks_succeed(tmp_path: pathlib.Path) -> None:
    """The negative control: a gateway for which every page is its own, and ComfyUI itself."""
    with running(tmp_path / "pod") as scene:
        cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
        for count, page in enumerate(PAGES.values(), 1):
            assert attack(scene.internal_port, page, cookie) == [200, 200, 101]
            assert effects(scene) == (count, 1, count)
        config = scene.runtime / "gateway/nginx.conf"
        text = config.read_text()
        guard = 'default 1; "~^1:1" ""; "~^::1" "";'
        assert guard in text
        config.write_text(text.replace(guard, 'default "";'))
        scene.reload()
        assert set(attack(scene.port, PAGES["sibling pod"], cookie)) == {200, 101}
