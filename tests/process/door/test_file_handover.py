"""Large files: ComfyUI names them and nginx sends them; ComfyUI sends what nginx cannot or may not."""

from __future__ import annotations

import os
import pathlib
import pwd
import random
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from entrypoint.door.__main__ import USER
from tests.support.door.running_door import BEARER, FILES, Answer, Scene, ask, running, sent_by_nginx
from tests.support.file_systems import let_others_through

LARGE = random.Random(1).randbytes(3 << 20)
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="nginx is another user only where root may choose")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("files")
    let_others_through(folder)  # as /comfyui
    (folder / "data/output/sub").mkdir(parents=True)
    with running(folder, fake=FILES) as started:
        yield started


def put(scene: Scene, name: str, content: bytes = LARGE, mode: int = 0o644) -> pathlib.Path:
    path = scene.data / "output" / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def view(scene: Scene, name: str, headers: dict[str, str] | None = None) -> Answer:
    folder, _, file = name.rpartition("/")
    return scene.ask(f"/view?filename={quote(file)}&subfolder={quote(folder)}", BEARER | (headers or {}))


@pytest.mark.parametrize("name", ["a.mp4", "sub/a.mp4", "a b%20c#d?e&f+ü'.mp4", '"quoted" \\.mp4', "%2e%2e.mp4"])
def test_nginx_sends_what_comfyui_names(scene: Scene, name: str) -> None:
    path = put(scene, name)
    answer = view(scene, name)
    assert (answer.status, answer.body == LARGE, sent_by_nginx(answer, path)) == (200, True, True)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"].startswith("filename=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in answer.headers if name.lower().startswith("x-accel")]


def test_range_and_conditional_requests(scene: Scene) -> None:
    put(scene, "part.mp4")
    part = view(scene, "part.mp4", {"Range": "bytes=1048576-1048585"})
    assert (part.status, part.body) == (206, LARGE[1048576:1048586])
    same = view(scene, "part.mp4", {"If-None-Match": part.headers["ETag"]})
    assert (same.status, same.body) == (304, b"")


def test_comfyui_sends_small_files_itself(scene: Scene) -> None:
    path = put(scene, "small.png", b"x" * 1000)
    answer = view(scene, "small.png")
    assert (answer.status, answer.body, sent_by_nginx(answer, path)) == (200, b"x" * 1000, False)


def test_a_missing_file_is_not_found(scene: Scene) -> None:
    assert view(scene, "nothing.mp4").status == 404


@ROOT
def test_comfyui_sends_files_that_nginx_cannot_read(scene: Scene) -> None:
    path = put(scene, "private.mp4", mode=0o600)
    answer = view(scene, "private.mp4")
    assert (answer.status, answer.body == LARGE, sent_by_nginx(answer, path)) == (200, True, False)


@ROOT
def test_a_link_to_nginxs_own_files_is_not_followed(scene: Scene) -> None:
    """ComfyUI's user (RUN_AS) could otherwise read the gateway's configuration, and with it the login's cookie."""
    nginx, user = pwd.getpwnam(USER), 4242
    secret = scene.runtime / "gateway/large"
    secret.write_bytes(LARGE)
    os.chown(secret, nginx.pw_uid, nginx.pw_gid)
    secret.chmod(0o600)
    for name, owner, by_nginx in (("theirs.mp4", user, False), ("ours.mp4", nginx.pw_uid, True)):
        link = scene.data / "output" / name
        link.symlink_to(secret)
        os.chown(link, owner, owner, follow_symlinks=False)
        assert sent_by_nginx(view(scene, name), secret) is by_nginx  # ComfyUI is root here, it may


def test_a_client_cannot_name_a_file_to_send(scene: Scene) -> None:
    put(scene, "mine.mp4")
    for path in (
        "/podkeeper/files/output/mine.mp4",
        "/podkeeper/files/",
        "/podkeeper/files/../run/gateway/nginx.conf",
    ):
        assert scene.ask(path, BEARER).status in (400, 404)
        assert scene.ask(path).status == 401
    asked = scene.ask("/echo", BEARER | {"X-Podkeeper-Files": "forged", "X-Accel-Redirect": "/podkeeper/enter"})
    assert asked.json["X-Podkeeper-Files"] == "1"
    assert "Set-Cookie" not in asked.headers


def test_comfyui_without_the_handover_sends_everything(scene: Scene) -> None:
    """Asked past the gateway, which alone sends X-Podkeeper-Files."""
    put(scene, "direct.mp4")
    answer = ask(scene.internal_port, "/view?filename=direct.mp4")
    assert answer.body == LARGE
    assert "X-Accel-Redirect" not in answer.headers
