"""Bodies of any size pass through memory, streams pass at once, and Sec-Fetch-Site is corrected."""

import contextlib
import http.client
import os
import pathlib
from collections.abc import Iterator

import psutil
import pytest

from tests.support.door.running_door import BEARER, HTML, TOKEN, Scene, running

MIB = 1 << 20
SIZE = 300


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("streams") / "pod") as made:
        yield made


def memory(scene: Scene) -> int:
    """nginx's, all of it, in MiB."""
    leader = psutil.Process(scene.processes[-1].pid)
    members = [leader, *leader.children()]
    assert all("nginx" in member.name() for member in members)
    return sum(member.memory_info().rss for member in members) // MIB


def files_nginx_wrote(scene: Scene) -> list[str]:
    """Bodies kept on disk, now: nginx takes their names away as soon as it has opened them."""
    (worker,) = psutil.Process(scene.processes[-1].pid).children()
    links = [os.readlink(each) for each in pathlib.Path(f"/proc/{worker.pid}/fd").iterdir() if each.is_symlink()]
    return [link for link in links if "/gateway/" in link]


@pytest.mark.parametrize("length", [{"Content-Length": str(SIZE * MIB)}, {}], ids=["length", "chunked"])
def test_300_mb_go_up(scene: Scene, length: dict[str, str]) -> None:
    before, most, files = memory(scene), 0, set()

    def blocks() -> Iterator[bytes]:
        nonlocal most
        for _ in range(SIZE):
            yield bytes(MIB)
            most = max(most, memory(scene))
            files.update(files_nginx_wrote(scene))

    with connection(scene) as client:
        client.request("POST", "/sink", blocks(), BEARER | length, encode_chunked=not length)
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"bytes": %d}' % (SIZE * MIB))
    assert files == set()
    assert most - before < 32


def test_300_mb_come_down(scene: Scene) -> None:
    before, most, received, files = memory(scene), 0, 0, set()
    with connection(scene) as client:
        client.request("GET", f"/source/{SIZE}", headers=BEARER)
        answer = client.getresponse()
        while block := answer.read(4 * MIB):
            received += len(block)
            most = max(most, memory(scene))
            files.update(files_nginx_wrote(scene))
    assert received == SIZE * MIB
    assert files == set()
    assert most - before < 32


def test_streamed_output_arrives_without_delay(scene: Scene) -> None:
    with connection(scene) as client:
        client.request("GET", "/slow", headers=BEARER)
        assert client.getresponse().readline() == b"first\n"  # the second line comes after 30 s


@contextlib.contextmanager
def connection(scene: Scene) -> Iterator[http.client.HTTPConnection]:
    client = http.client.HTTPConnection("127.0.0.1", scene.port, timeout=20)
    try:
        yield client
    finally:
        client.close()


def test_a_click_in_the_console_does_not_look_cross_site_to_comfyui(scene: Scene) -> None:
    """ComfyUI since 0.19 answers 403 to it; nor does it see an Origin it would compare with a rewritten Host."""
    cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
    click = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert scene.ask("/", HTML | click | {"Cookie": cookie}).headers["X-Sec-Fetch-Site"] == "same-origin"
    program = BEARER | {"Sec-Fetch-Site": "cross-site"}  # not a page that a link may open: ComfyUI itself refuses it
    assert scene.ask("/echo", program).json["headers"]["Sec-Fetch-Site"] == "cross-site"
    own = {
        "Origin": f"http://localhost:{scene.port}",
        "Sec-Fetch-Site": "same-origin",
        "Host": "100.65.1.2:3",
    }
    seen = scene.ask("/echo", own | {"Cookie": cookie}, "POST", b"").json["headers"]
    assert "Origin" not in seen
    assert seen["Host"] == "100.65.1.2:3"
    assert "Sec-Fetch-Site" not in scene.ask("/echo", BEARER).json["headers"]


def test_no_cors_is_opened(scene: Scene) -> None:
    asking = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for headers, method in ((asking, "OPTIONS"), (BEARER | asking, "OPTIONS"), (BEARER | asking, "GET")):
        answer = scene.ask("/queue", headers, method)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_url_reaches_comfyui_unchanged(scene: Scene) -> None:
    for path in ("/echo/%2F/..%2f?a=%20+&&b", "/echo//x", "/echo/a%0ab?x=%00"):
        assert scene.ask(path, BEARER).json["uri"] == path


def test_comfyui_receives_the_forwarded_headers(tmp_path: pathlib.Path, scene: Scene) -> None:
    proxied = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Host": "abc.example",
    }
    seen = scene.ask("/echo", BEARER | proxied).json["headers"]
    assert seen["X-Forwarded-For"] == "203.0.113.7, 127.0.0.1"
    assert (seen["X-Forwarded-Proto"], seen["X-Forwarded-Host"]) == ("https", "abc.example")
