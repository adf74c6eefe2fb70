"""ComfyUI-Manager's config.ini, with the door open and locked."""

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.comfyui import manager
from entrypoint.comfyui.manager_config import BEFORE, apply_security_level
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

USERS = """; mine
[default]
git_exe = /usr/bin/git
security_level = weak
network_mode = personal_cloud
# keep this
bypass_ssl = False

[other]
security_level = weak
"""


@pytest.mark.parametrize(
    ("text", "level", "mode"),
    [
        ("", "strong", "public"),
        (USERS, "strong", "public"),
        ("[default]\nsecurity_level=normal-\n", "strong", "public"),
        ("[default]\nSecurity_Level : WEAK\nnetwork_mode = offline\n", "strong", "offline"),
        ("[default]\nnetwork_mode = private\n", "strong", "private"),
        ("security_level = weak\n", "strong", "public"),
        ("[default]\nsecurity_level = strong\nsecurity_level = weak\n", "strong", "public"),
        ("[default]\nx = 1\n[default]\nsecurity_level = weak\n", "strong", "public"),
    ],
)
def test_open_it_may_do_nothing_risky(text: str, level: str, mode: str) -> None:
    text = manager.restricted(text)
    assert (manager.value_of(text, "security_level"), manager.value_of(text, "network_mode")) == (level, mode)
    assert manager.restricted(text) == text


def test_what_else_the_user_wrote_stays() -> None:
    text = manager.restricted(USERS)
    for line in ("; mine", "git_exe = /usr/bin/git", "# keep this", "bypass_ssl = False", "[other]"):
        assert line in text.splitlines()
    assert text.count("security_level = weak") == 1  # the other section's


def test_locked_again_it_is_as_the_user_had_it() -> None:
    text = manager.restored(manager.restricted(USERS), USERS)
    assert manager.value_of(text, "security_level") == "weak"
    assert manager.value_of(text, "network_mode") == "personal_cloud"
    chosen_since = manager.restricted(USERS).replace("= strong", "= normal-")
    assert manager.value_of(manager.restored(chosen_since, USERS), "security_level") == "normal-"
    assert manager.value_of(manager.restored(manager.restricted(""), ""), "security_level") == "normal"


@given(st.text("[]default=:\n #;abc_vl", max_size=60))
def test_whatever_the_file_says(text: str) -> None:
    assert manager.value_of(manager.restricted(text), "security_level") == "strong"


@pytest.mark.parametrize(
    ("version", "folders"),
    [
        ("3.31.9", ("default/ComfyUI-Manager",)),
        ("3.38.1", ("__manager",)),
        ("4.0", ("__manager",)),
        ("", ("default/ComfyUI-Manager", "__manager")),
    ],
)
def test_where_its_file_is(version: str, folders: tuple[str, ...]) -> None:
    assert manager.config_folders(version) == folders
    assert manager.version_in(f'[project]\nname = "x"\nversion = "{version}"\n') == version


@pytest.fixture
def paths(tmp_path: pathlib.Path) -> Paths:
    node = tmp_path / "custom_nodes/ComfyUI-Manager"
    node.mkdir(parents=True)
    (node / "pyproject.toml").write_text('version = "3.38.0"\n')
    base = str(tmp_path)
    return Paths(data=base, stored=base, volume="", log=base, home=base, runtime=base, python="/usr/bin/python3")


def test_opened_and_locked_the_file_is_the_users_again(paths: Paths) -> None:
    file = pathlib.Path(paths.data, "user/__manager/config.ini")
    file.parent.mkdir(parents=True)
    file.write_text(USERS)
    assert apply_security_level(Settings(), paths) == []
    assert file.read_text() == USERS
    for _ in range(2):
        assert [each.name for each in apply_security_level(Settings(comfyui_auth="none"), paths)] == [
            "ManagerRestricted"
        ]
        assert "security_level = strong" in file.read_text()
    assert file.with_name(BEFORE).read_text() == USERS
    assert apply_security_level(Settings(), paths) == []
    assert manager.value_of(file.read_text(), "security_level") == "weak"
    assert not file.with_name(BEFORE).exists()


def test_one_that_was_never_started_is_restricted_before_it_is(paths: Paths) -> None:
    apply_security_level(Settings(comfyui_auth="none"), paths)
    text = pathlib.Path(paths.data, "user/__manager/config.ini").read_text()
    assert manager.value_of(text, "security_level") == "strong"


def test_where_there_is_none_nothing_is_written(tmp_path: pathlib.Path, paths: Paths) -> None:
    (tmp_path / "custom_nodes/ComfyUI-Manager").rename(tmp_path / "custom_nodes/another")
    assert apply_security_level(Settings(comfyui_auth="none"), paths) == []
    assert not (tmp_path / "user").exists()
    assert apply_security_level(Settings(comfyui_auth="none", comfyui_args=("--enable-manager",)), paths)


def test_a_file_that_can_not_be_written_is_told(paths: Paths) -> None:
    pathlib.Path(paths.data, "user").write_text("a file is in the way")
    (condition,) = apply_security_level(Settings(comfyui_auth="none"), paths)
    assert condition.name == "ManagerNotSettled"
