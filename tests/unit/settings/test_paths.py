"""The pod's paths."""

import pytest

from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings


def facts(*mounts: str, uid: int = 0, root_writable: bool = True, home_closed: bool = False) -> Facts:
    return Facts(
        mounts=frozenset({"/", "/proc", *mounts}), uid=uid, temporary="/tmp", python="/opt/env/bin/python",
        root_writable=root_writable, home_closed=home_closed,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mounts", "volume", "stored"),
    [
        ((), "", "/comfyui"),
        (("/workspace",), "/workspace", "/workspace/comfyui"),
        (("/runpod-volume",), "/runpod-volume", "/runpod-volume/comfyui"),
        (("/runpod-volume", "/workspace"), "/workspace", "/workspace/comfyui"),
        (("/comfyui",), "/comfyui", "/comfyui"),
        (("/comfyui", "/workspace"), "/comfyui", "/comfyui"),
        (("/workspace2",), "", "/comfyui"),
        (("/workspace/models",), "", "/comfyui"),
    ],
)
def test_data_is_on_the_volume_where_there_is_one(mounts: tuple[str, ...], volume: str, stored: str) -> None:
    paths = locate(Settings(), facts(*mounts))
    assert (paths.data, paths.volume, paths.stored) == ("/comfyui", volume, stored)


def test_the_paths_in_the_image() -> None:
    paths = locate(Settings(), facts())
    assert paths.log == "/var/log"
    assert paths.jupyter_config_folder == "/root/.jupyter"
    assert paths.runtime == "/run/podkeeper"


def test_where_comfyui_cannot_become_a_link_the_volumes_folder_is_used_as_it_is() -> None:
    paths = locate(Settings(), facts("/workspace", root_writable=False))
    assert (paths.data, paths.stored) == ("/workspace/comfyui", "/workspace/comfyui")
    assert locate(Settings(), facts(root_writable=False)).data == "/comfyui"


@pytest.mark.parametrize(
    ("uid", "settings", "home"),
    [
        (0, Settings(), "/root"),
        (0, Settings(user_home="/"), "/"),
        (0, Settings(puid="1000"), "/home/podkeeper"),
        (1000, Settings(), "/home/podkeeper"),
        (1000, Settings(user_home="/"), "/home/podkeeper"),
        (1000, Settings(user_home="/home/me"), "/home/me"),
    ],
)
def test_a_user_who_is_not_root_has_a_home_of_their_own(uid: int, settings: Settings, home: str) -> None:
    assert locate(settings, facts(uid=uid)).home == home


def test_local_mode_touches_one_folder_only() -> None:
    paths = locate(Settings(home="/srv/pod"), facts("/workspace"))
    assert all(
        path.startswith("/srv/pod/")
        for path in (paths.data, paths.stored, paths.log, paths.home, paths.runtime, paths.kept_secrets)
    )
    assert paths.volume == ""


def test_a_socket_path_that_is_too_long_moves_to_the_temporary_folder() -> None:
    deep = "/" + "x" * 90
    paths = locate(Settings(home=deep), facts())
    assert paths.runtime.startswith("/tmp/podkeeper-0-")
    assert len(f"{paths.runtime}/supervisor.sock.4194304") <= 107
    assert paths.runtime != locate(Settings(home=deep + "y"), facts()).runtime


def test_children_read_back_the_same_paths() -> None:
    paths = locate(Settings(), facts("/workspace"))
    assert Paths.from_environ(paths.to_environ()) == paths


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (facts("/workspace"), "/workspace/.podkeeper"),
        (facts("/comfyui"), "/comfyui/.podkeeper"),
        (facts(), "/var/lib/podkeeper"),
        (facts(root_writable=False), "/comfyui/.podkeeper"),
        (facts("/workspace", uid=1000), "/workspace/comfyui/.podkeeper"),
    ],
)
def test_roots_secrets_are_outside_the_services_users_folder(found: Facts, kept: str) -> None:
    assert locate(Settings(), found).kept_secrets == kept


def test_downloads_have_a_folder_for_each_user_of_the_services() -> None:
    """No folder has to change its owner, which root could be led to do to a folder of its own."""
    stored = "/workspace/comfyui"
    assert locate(Settings(), facts("/workspace")).models_state == f"{stored}/.podkeeper"
    assert locate(Settings(puid="1000"), facts("/workspace")).models_state == f"{stored}/.podkeeper-1000"
    assert locate(Settings(puid="1000"), facts("/workspace", uid=1000)).models_state == f"{stored}/.podkeeper"


def test_a_home_that_a_user_of_the_image_cannot_write_to_is_not_used() -> None:
    """`--user 33`: Docker sets HOME to /var/www, which is root's."""
    settings = Settings(user_home="/var/www")
    assert locate(settings, facts(uid=33, home_closed=True)).home == "/home/podkeeper"
    assert locate(settings, facts(uid=33)).home == "/var/www"
