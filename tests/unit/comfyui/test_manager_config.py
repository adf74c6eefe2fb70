"""ComfyUI-Manager's config.ini on the disk: restricted without a login, restored with one."""

from pathlib import Path

import pytest

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


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    node = tmp_path / "custom_nodes/ComfyUI-Manager"
    node.mkdir(parents=True)
    (node / "pyproject.toml").write_text('version = "3.38.0"\n')
    base = str(tmp_path)
    return Paths(
        data=base, stored=base, volume="", log=base, home=base, runtime=base, python="/usr/bin/python3",
        kept_secrets=base, models_state=base, packages="/nonexistent/packages",
    )  # fmt: skip


def test_the_users_file_is_restored_once_the_login_is_required_again(paths: Paths) -> None:
    file = Path(paths.data, "user/__manager/config.ini")
    file.parent.mkdir(parents=True)
    file.write_text(USERS)
    Path(paths.models_state, "manager-permitted").touch()
    assert apply_security_level(Settings(), paths, included=False) == []
    assert file.read_text() == USERS
    for _ in range(2):
        (restricted,) = apply_security_level(Settings(comfyui_auth="none"), paths, included=False)
        assert restricted.name == "ManagerRestricted"
        assert "security_level = strong" in file.read_text()
    assert file.with_name(BEFORE).read_text() == USERS
    assert apply_security_level(Settings(), paths, included=False) == []
    assert manager.value_of(file.read_text(), "security_level") == "weak"
    assert not file.with_name(BEFORE).exists()


def test_a_manager_that_never_ran_is_restricted_before_its_first_start(paths: Paths) -> None:
    apply_security_level(Settings(comfyui_auth="none"), paths, included=False)
    text = Path(paths.data, "user/__manager/config.ini").read_text()
    assert manager.value_of(text, "security_level") == "strong"


def test_without_a_manager_nothing_is_written(tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "custom_nodes/ComfyUI-Manager").rename(tmp_path / "custom_nodes/another")
    assert apply_security_level(Settings(comfyui_auth="none"), paths, included=False) == []
    assert not (tmp_path / "user").exists()
    assert apply_security_level(Settings(comfyui_auth="none"), paths, included=True)


def test_a_file_that_cannot_be_written_is_a_condition(paths: Paths) -> None:
    Path(paths.data, "user").write_text("a file is in the way")
    (condition,) = apply_security_level(Settings(comfyui_auth="none"), paths, included=False)
    assert condition.name == "ManagerNotSettled"


def test_behind_the_login_installing_is_permitted_once_and_the_users_choice_stays(paths: Paths) -> None:
    file = Path(paths.data, "user/__manager/config.ini")
    assert apply_security_level(Settings(), paths, included=True) == []
    for key in (*manager.INSTALLATIONS, "use_uv"):
        assert manager.value_of(file.read_text(), key) == "true"
    file.write_text(file.read_text().replace("= true", "= False"))
    assert apply_security_level(Settings(), paths, included=True) == []
    assert manager.value_of(file.read_text(), "allow_pip_install") == "false"
