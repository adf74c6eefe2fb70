"""The gateway's login: the token and the cookie are accepted, nothing else is; and the token never shows."""

import os
import pathlib
import re
import stat
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, urlencode

import psutil
import pytest

from tests.support.door.running_door import BEARER, HTML, TOKEN, Scene, running, websocket
from tests.support.waiting import wait_until

PATHS = ["/", "/queue", "/prompt", "/system_stats", "/ws", "/view?filename=a.png", "/nowhere", "//prompt",
         "/podkeeper/../prompt", "/podkeeper/health/../../prompt", "/podkeeper/programs.json",
         "/podkeeper/conditions/", "/podkeeper/login", "/podkeeper/log-in", "/podkeeper/enter", "/%70rompt",
         "/podkeeper/page/login.html", "/podkeeper/health/x", "/podkeeper/health%2f..%2fprompt"]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
def test_without_a_login_every_path_is_closed(scene: Scene, path: str, method: str) -> None:
    answer = scene.ask(path, method=method)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_without_a_login_no_websocket_opens(scene: Scene) -> None:
    assert websocket(scene.port) == 401
    assert websocket(scene.port, BEARER) == 101


def test_a_browser_gets_the_login_page(scene: Scene) -> None:
    answer = scene.ask("/anything", HTML)
    assert (answer.status, answer.headers["X-Podkeeper"]) == (401, "login")
    assert b"<form" in answer.body
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/?token={}", "/"),
        ("/a/b?token={}", "/a/b"),
        ("/?token={}&x=1&y=2", "/?x=1&y=2"),
        ("/?x=1&token={}", "/?x=1"),
        ("/?x=1&token={}&y=2", "/?x=1&y=2"),
        ("/?xtoken=1&token={}", "/?xtoken=1"),
        ("//evil.example/?token={}", "/"),
        ("/\\evil.example/?token={}", "/"),
        ("/%0d%0aSet-Cookie:%20a=b?token={}", "/%0d%0aSet-Cookie:%20a=b"),
    ],
)
def test_the_address_from_the_log_logs_in_and_leads_to_one_without_the_token(
    scene: Scene, path: str, address: str
) -> None:
    answer = scene.ask(path.format(TOKEN), HTML)
    assert (answer.status, answer.headers["Location"]) == (302, address)
    assert scene.ask("/queue", {"Cookie": answer.cookie}).status == 200
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_cookie_is_the_browsers_alone_and_is_not_the_token(scene: Scene) -> None:
    plain = scene.ask(f"/?token={TOKEN}", HTML).headers["Set-Cookie"]
    assert re.fullmatch(
        r"podkeeper-[0-9a-f]{8}=[\w-]{43}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax",
        plain,
    )
    assert TOKEN not in plain
    bound = scene.ask(f"/?token={TOKEN}", HTML | {"X-Forwarded-Proto": "https"}).headers["Set-Cookie"]
    assert bound == f"__Host-{plain}; Secure"


def test_behind_tls_a_cookie_that_a_sibling_pod_could_have_set_does_not_count(scene: Scene) -> None:
    tls = {"X-Forwarded-Proto": "https"}
    cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
    assert scene.ask("/queue", {"Cookie": cookie, **tls}).status == 401
    assert scene.ask("/queue", {"Cookie": f"__Host-{cookie}", **tls}).status == 200
    tossed = re.sub("=.*", "=" + "x" * 43, cookie)
    assert scene.ask("/queue", {"Cookie": f"{tossed}; __Host-{cookie}; {tossed}", **tls}).status == 200


@pytest.mark.parametrize("spoil", ["", "x" * 43, TOKEN])
def test_a_cookie_with_another_value_is_refused(scene: Scene, spoil: str) -> None:
    name = scene.ask(f"/?token={TOKEN}", HTML).cookie.partition("=")[0]
    assert scene.ask("/queue", {"Cookie": f"{name}={spoil}"}).status == 401


def test_a_logged_in_browser_that_opens_the_address_again_loses_the_token_too(scene: Scene) -> None:
    cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
    answer = scene.ask(f"/?token={TOKEN}", HTML | {"Cookie": cookie})
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    answer = scene.ask(f"/echo?a=1&token={TOKEN}", HTML | {"Cookie": cookie})
    assert (answer.status, answer.headers["Location"]) == (302, "/echo?a=1")


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_programs_send_the_token_in_a_header_and_comfyui_never_sees_it(scene: Scene, header: str) -> None:
    answer = scene.ask("/echo?a=%2F+b", {"Authorization": header.format(TOKEN)})
    assert answer.status == 200
    assert answer.json["uri"] == "/echo?a=%2F+b"
    assert "Authorization" not in answer.json["headers"]
    assert TOKEN not in answer.body.decode()


def test_programs_may_send_it_in_the_url_and_comfyui_never_sees_it(scene: Scene) -> None:
    answer = scene.ask(f"/echo?a=1&token={TOKEN}&b=2")
    assert answer.json["uri"] == "/echo?a=1&b=2"
    assert websocket(scene.port, path=f"/ws?clientId=1&token={TOKEN}") == 101


def test_comfyui_does_not_see_the_login_cookie_and_sees_the_others(scene: Scene) -> None:
    cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
    for given, seen in [
        (cookie, None), (f"a=b; {cookie}", "a=b"), (f"{cookie}; a=b", "a=b"), (f"a=b; {cookie}; c=d", "a=b; c=d"),
    ]:  # fmt: skip
        assert scene.ask("/echo", {"Cookie": given}).json["headers"].get("Cookie") == seen


def test_the_right_token_is_accepted_from_any_page(scene: Scene) -> None:
    """A foreign page does not know it."""
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert scene.ask("/prompt", BEARER | foreign, "POST", b"{}").status == 200


@pytest.mark.parametrize("given", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), TOKEN + "%00"])
def test_a_wrong_token_is_refused(tmp_path: pathlib.Path, scene: Scene, given: str) -> None:
    assert scene.ask("/queue", {"Authorization": f"Bearer {given}"}).status in (401, 429)
    assert scene.ask(f"/queue?token={given}").status in (401, 429)
    assert scene.ask(f"/?token={given}", HTML).status in (401, 429)


def test_a_token_of_odd_characters_works_as_the_log_prints_it(tmp_path: pathlib.Path) -> None:
    odd = "a/b?c&d=e+f%g\"h'i$j#k\\l;m:n@o"
    with running(tmp_path / "pod", token=odd) as scene:
        assert scene.ask("/queue", {"Authorization": f"Bearer {odd}"}).status == 200
        assert scene.ask(f"/?token={quote(odd, safe='')}", HTML).status == 302
        assert scene.ask("/queue").status == 401


def test_a_new_token_makes_old_cookies_worthless_and_a_restart_does_not(tmp_path: pathlib.Path) -> None:
    with running(tmp_path / "pod") as scene:
        cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
    with running(tmp_path / "pod", token="another") as other:
        assert other.ask("/queue", {"Cookie": cookie}).status == 401
    again = Scene(tmp_path / "pod", port=scene.port, internal_port=scene.internal_port)
    try:
        again.start_comfyui()
        again.start_gateway()
        assert again.ask("/queue", {"Cookie": cookie}).status == 200
    finally:
        again.stop()


def test_guessing_is_slowed_and_a_right_token_never_is(tmp_path: pathlib.Path) -> None:
    with running(tmp_path / "pod") as scene:
        cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
        guesses = [scene.ask("/queue", {"Authorization": f"Bearer guess{n}"}).status for n in range(40)]
        assert set(guesses) == {401, 429}
        assert 20 <= guesses.count(401) <= 23  # 20 at once, then 20 a minute
        assert scene.ask("/?token=guess", HTML).status == 429  # by whichever way
        assert scene.ask("/podkeeper/login", {"Authorization": "Bearer x"}, "POST").status == 429
        spoofed = {
            "X-Forwarded-For": "198.51.100.1",
            "X-Real-IP": "198.51.100.1",
            "CF-Connecting-IP": "198.51.100.1",
        }
        assert scene.ask("/?token=guess", HTML | spoofed).status == 429
        assert scene.ask("/queue", BEARER).status == 200
        assert scene.ask(f"/?token={TOKEN}", HTML).status == 302
        assert scene.ask("/queue", {"Cookie": cookie}).status == 200
        assert scene.ask("/", HTML).status == 401  # the login page still comes


def test_no_log_holds_a_token_right_or_wrong(tmp_path: pathlib.Path) -> None:
    """Also where nginx logs an error: ComfyUI is down, a body is cut short, guesses are refused."""
    with running(tmp_path / "pod", comfyui=False) as scene:
        cookie = scene.ask(f"/?token={TOKEN}", HTML).cookie
        for n in range(30):
            scene.ask(f"/queue?token=s3cret-guess-{n}", HTML)
        scene.ask(f"/queue?token={TOKEN}")
        scene.ask(f"/queue?token={TOKEN}", BEARER | {"Cookie": cookie, "Referer": f"http://x/?token={TOKEN}"})
        scene.ask(f"/prompt?token={TOKEN}", BEARER, "POST", b"x" * 100_000)
        wait_until(lambda: '"POST /prompt" 503 upstream=502' in scene.log, 5, "refused requests are told")
        wait_until(lambda: '"GET /queue" 429 upstream=-' in scene.log, 5, "guesses are told")
        for secret in (TOKEN, "s3cret-guess", cookie.partition("=")[2]):
            assert secret not in scene.log


def test_the_configuration_is_nginxs_alone_and_holds_no_token(scene: Scene) -> None:
    config = scene.runtime / "gateway/nginx.conf"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert TOKEN not in config.read_text()


def test_no_process_shows_the_token(scene: Scene) -> None:
    for member in family(scene):
        environ = pathlib.Path(f"/proc/{member.pid}/environ").read_text()
        assert TOKEN not in " ".join(member.cmdline()) + environ


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_nginx_is_not_root(scene: Scene) -> None:
    assert {member.username() for member in family(scene)} == {"www-data"}


def family(scene: Scene) -> list[psutil.Process]:
    """nginx's two processes."""
    (leader,) = [process for process in scene.processes if "nginx" in psutil.Process(process.pid).name()]
    found = [psutil.Process(leader.pid), *psutil.Process(leader.pid).children()]
    assert len(found) == 2
    return found


ODD = "aB/dE==!x+y%2fz~*'(k)"


@pytest.mark.parametrize(
    "spelled",
    [
        quote(ODD, safe=""),
        quote(ODD),
        quote_plus(ODD),
        urlencode({"token": ODD}).partition("=")[2],
        re.sub("%..", lambda escape: escape[0].lower(), quote(ODD, safe="")),
        quote(ODD, safe="!*'()"),  # encodeURIComponent
        quote(ODD, safe="!*'();/?:@&=+$,#"),  # encodeURI
        quote(ODD, safe="*").replace("~", "%7E"),  # URLSearchParams
        ODD.replace("'", "%27"),  # typed into a browser's address line
        ODD,
    ],
)
def test_a_token_logs_in_in_each_spelling_that_programs_give_it(odd_scene: Scene, spelled: str) -> None:
    assert odd_scene.ask(f"/?token={spelled}", HTML).status == 302
    assert odd_scene.ask(f"/queue?token={spelled}").status == 200


@pytest.mark.parametrize("spelled", [ODD.lower(), quote(ODD, safe="")[:-1], ODD + "/", quote(ODD.upper(), safe=""), ""])
def test_a_spelling_of_another_token_is_refused(odd_scene: Scene, spelled: str) -> None:
    assert odd_scene.ask(f"/queue?token={spelled}").status in (401, 429)


def test_the_configuration_holds_an_odd_token_in_no_spelling(odd_scene: Scene) -> None:
    config = (odd_scene.runtime / "gateway/nginx.conf").read_text()
    assert not any(text in config for text in (ODD, quote(ODD, safe=""), quote(ODD), "aB"))


@pytest.fixture(scope="module")
def odd_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A door whose token has characters that programs encode."""
    with running(tmp_path_factory.mktemp("odd") / "pod", token=ODD) as scene:
        yield scene
