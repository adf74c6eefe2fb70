"""One login for all three ports: the same cookie, one limit of guesses; no service sees the token in any spelling."""

import contextlib
import errno
import http.client
import re
import resource
import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from entrypoint.door.pass_through import ticket_address
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from tests.support.door.running_door import BEARER, HTML, TOKEN, Scene, ask, running, websocket

SERVICES = ("comfyui", "jupyter", "status")
SECRET = "d" * 64


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("three") / "pod", others=("jupyter", "status")) as made:
        yield made


@pytest.mark.parametrize("service", SERVICES)
def test_every_port_asks_for_the_login_and_one_cookie_is_good_for_all(door: Scene, service: str) -> None:
    cookie = door.ask(f"/?token={TOKEN}", HTML, service=service).cookie
    for other in SERVICES:
        assert door.ask("/queue", service=other).status == 401
        assert door.ask("/queue", {"Cookie": cookie}, service=other).status == 200
        assert door.ask("/queue", {"Authorization": f"token {TOKEN}"}, service=other).status == 200
        assert websocket(door.public(other), {"Cookie": cookie}) == 101
        assert websocket(door.public(other)) == 401


@pytest.mark.parametrize("service", SERVICES)
def test_a_token_on_a_page_of_the_user_interface_is_swapped_whatever_the_client_accepts(
    door: Scene, service: str
) -> None:
    answer = door.ask(f"/?a=1&token={TOKEN}", service=service)
    assert (answer.status, answer.headers["Location"]) == (302, "/?a=1")


#: Each with a login that is accepted, so that the request reaches the service.
SPELLINGS = [
    ("/echo?token={}", BEARER), ("/echo?a=1&token={}&b=2", BEARER), ("/echo?token={0}&token={0}", BEARER),
    ("/echo?%74oken={}", BEARER), ("/echo?t%6Fke%6e={}&a=%20", BEARER), ("/echo?TOKEN={}", BEARER),
    ("/echo?a=1&token={}", {}), ("/echo?token={0}&%74oken={0}", {}), ("/echo?a&token={0}&&token={0}&b", BEARER),
    ("/echo", BEARER | {"Referer": f"http://localhost/?x=1&token={TOKEN}"}),
    ("/echo", BEARER | {"Authorization": f"token  {TOKEN}"}),
]  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("path", "headers"), SPELLINGS)
def test_no_service_sees_the_token_in_any_spelling(
    door: Scene, service: str, path: str, headers: dict[str, str]
) -> None:
    cookie = door.ask(f"/?token={TOKEN}", HTML).cookie
    for more in ({}, {"Cookie": cookie}, {"Cookie": f"a=b; {cookie}; __Host-{cookie}; {cookie}; c=d"}):
        answer = door.ask(path.format(TOKEN), headers | more, service=service)
        assert answer.status == 200
        value = cookie.partition("=")[2]
        assert not re.search(rf"(?i)t(o|%6f)k(e|%65)n=|{TOKEN}|{value}", answer.body.decode())
        if len(more.get("Cookie", "")) > len(cookie):
            assert answer.json["headers"]["Cookie"] == "a=b; c=d"


def test_a_token_named_more_often_than_anybody_means_it_goes_no_further(door: Scene) -> None:
    answer = door.ask("/echo?" + "&".join(f"token={TOKEN}{n}" for n in range(9)) + "&a=1", BEARER)
    assert answer.json["uri"] == "/echo"


def test_the_doors_secret_goes_to_the_pods_own_servers_and_never_to_comfyui(door: Scene) -> None:
    for service, given in (("jupyter", SECRET), ("status", SECRET), ("comfyui", None)):
        for spoofed in ({}, {"X-Podkeeper-Door": "guessed"}):
            seen = door.ask("/echo", BEARER | spoofed, service=service).json["headers"]
            assert seen.get("X-Podkeeper-Door") == given


@pytest.mark.parametrize(("service", "path"), [("jupyter", "/api"), ("status", "/healthz"), ("status", "/readyz")])
def test_what_is_public_reaches_the_service_without_the_doors_secret(door: Scene, service: str, path: str) -> None:
    assert door.ask(path, service=service).status == 404  # the stand-in has none of them: the request got there
    for around in (f"{path}/", f"/x/..{path}", f"{path}/..{path}", f"/%{ord(path[1]):x}{path[2:]}", f"{path}/../queue"):
        assert door.ask(around, service=service).status == 401
    assert door.ask(path, method="POST", service=service).status == 401


def test_a_cors_preflight_reaches_jupyterlab_alone(door: Scene) -> None:
    """JupyterLab's allow_origin lets a program on another site use the token; a preflight carries no credentials."""
    preflight = {"Origin": "https://vscode.example", "Access-Control-Request-Method": "POST"}
    assert door.ask("/echo", preflight, "OPTIONS", service="jupyter").status == 405  # the stand-in's own answer
    for service in ("comfyui", "status"):
        assert door.ask("/echo", preflight, "OPTIONS", service=service).status == 401


def test_guesses_at_all_ports_count_together(door: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("guesses") / "pod", others=("jupyter", "status")) as scene:
        ways = [("/queue", {"Authorization": "Bearer x"}), ("/?token=x", HTML), ("/podkeeper/enter?ticket=x", {})]
        statuses = [
            scene.ask(path, headers, service=service).status
            for _ in range(5)
            for service in SERVICES
            for path, headers in ways
        ]
        assert 20 <= statuses.count(401) <= 23
        assert statuses.count(429) == len(statuses) - statuses.count(401)
        for service in SERVICES:
            assert scene.ask("/queue", BEARER, service=service).status == 200


# -- tickets


def ticket(door: Scene, service: str, now: float) -> str:
    settings = Settings(comfyui_port=door.port, status_port=door.public("status"))
    address = ticket_address(service_named(service), settings, f"localhost:{door.public('jupyter')}", SECRET, now)
    return address.partition(f":{door.public(service)}")[2]


def test_a_ticket_logs_in_at_its_port_for_half_a_minute(door: Scene) -> None:
    link = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    path = ticket(door, "comfyui", time.time())
    answer = door.ask(path, HTML | link)
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert door.ask("/queue", {"Cookie": answer.cookie}).status == 200
    for address, leads_to in ((path, "/podkeeper/enter"), ("/podkeeper/enter", "/")):  # again, from the history
        assert door.ask(address, HTML | link | {"Cookie": answer.cookie}).headers["Location"] == leads_to
    for wrong in (path.replace("ticket=", "ticket=x"), path[:-1], path + "0", re.sub("&expires.*", "", path),
                  ticket(door, "comfyui", time.time() - 31), ticket(door, "status", time.time())):  # fmt: skip
        assert "Set-Cookie" not in door.ask(wrong, HTML | link).headers


def test_a_ticket_opens_nothing_but_the_door(door: Scene) -> None:
    query = ticket(door, "comfyui", time.time()).partition("?")[2]
    assert door.ask(f"/queue?{query}").status == 401


# -- addresses


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize("service", SERVICES)
def test_every_port_answers_on_ipv6(door: Scene, service: str) -> None:
    try:
        with socket.create_connection(("::1", door.public(service)), 5) as client:
            client.sendall(f"GET /queue HTTP/1.0\r\nHost: [::1]\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            pytest.skip("the kernel has no IPv6")
        raise


# -- log-out


@pytest.mark.parametrize("service", SERVICES)
def test_the_pods_own_page_logs_out_and_no_other(door: Scene, service: str) -> None:
    cookie = door.ask(f"/?token={TOKEN}", HTML).cookie
    for scheme, name in (({}, cookie), ({"X-Forwarded-Proto": "https"}, f"__Host-{cookie}")):
        own = {"Cookie": name, "Sec-Fetch-Site": "same-origin", **scheme}
        cleared = door.ask("/logout", own, service=service).headers["Set-Cookie"]
        assert cleared.startswith(f"{name.partition('=')[0]}=; Path=/; Max-Age=0;")
        for site in ("same-site", "cross-site"):
            other = own | {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
            assert "Set-Cookie" not in door.ask("/logout", other, service=service).headers


# -- availability


def test_3000_half_open_requests_keep_no_right_token_out(door: Scene) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for number in range(3000):
            port = door.public(SERVICES[number % 3])
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        for service in SERVICES:
            assert door.ask("/queue", BEARER, service=service, timeout=5).status == 200


@pytest.mark.parametrize("service", SERVICES)
def test_a_body_without_a_login_is_not_read_by_any_service(door: Scene, service: str) -> None:
    behind = psutil.Process(
        next(each.pid for each in door.processes if str(door.internal(service)) in cmdline(each.pid))
    )
    before = behind.memory_info().rss
    for _ in range(3):
        client = http.client.HTTPConnection("127.0.0.1", door.public(service), timeout=10)
        with contextlib.closing(client), contextlib.suppress(OSError):
            client.putrequest("POST", "/upload/image")
            client.putheader("Content-Length", str(60 << 20))
            client.endheaders()
            for _ in range(60):
                client.send(bytes(1 << 20))
    assert behind.memory_info().rss < before + (8 << 20)
    assert ask(door.internal(service), "/queue").json["queue_pending"] == []


def cmdline(pid: int) -> str:
    return " ".join(psutil.Process(pid).cmdline())


@pytest.mark.parametrize(("size", "status"), [(97 << 20, 413), (1, 405)])
def test_a_body_with_a_login_has_the_services_limit(door: Scene, size: int, status: int) -> None:
    """96 MB at the status page's port, for the job API; nginx refuses by the length alone."""
    client = http.client.HTTPConnection("127.0.0.1", door.public("status"), timeout=10)
    with contextlib.closing(client):
        client.putrequest("POST", "/sink" if status == 413 else "/")
        for name, text in {**BEARER, "Content-Length": str(size)}.items():
            client.putheader(name, text)
        client.endheaders(b"x" if size == 1 else None)
        assert client.getresponse().status == status
