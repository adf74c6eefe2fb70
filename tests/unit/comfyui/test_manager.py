"""ComfyUI-Manager's config.ini as text: restricted without a login, restored with one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.comfyui import manager

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
def test_without_a_login_the_manager_is_restricted(text: str, level: str, mode: str) -> None:
    text = manager.restricted(text)
    assert (manager.value_of(text, "security_level"), manager.value_of(text, "network_mode")) == (level, mode)
    assert manager.restricted(text) == text


def test_the_users_other_lines_stay() -> None:
    text = manager.restricted(USERS)
    for line in ("; mine", "git_exe = /usr/bin/git", "# keep this", "bypass_ssl = False", "[other]"):
        assert line in text.splitlines()
    assert text.count("security_level = weak") == 1  # the other section's


def test_restoring_brings_back_the_users_values() -> None:
    text = manager.restored(manager.restricted(USERS), USERS)
    assert manager.value_of(text, "security_level") == "weak"
    assert manager.value_of(text, "network_mode") == "personal_cloud"
    chosen_since = manager.restricted(USERS).replace("= strong", "= normal-")
    assert manager.value_of(manager.restored(chosen_since, USERS), "security_level") == "normal-"
    assert manager.value_of(manager.restored(manager.restricted(""), ""), "security_level") == "normal"


@given(st.text("[]default=:\n #;abc_vl", max_size=60))
def test_any_text_can_be_restricted(text: str) -> None:
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
def test_the_configuration_folder_of_each_version(version: str, folders: tuple[str, ...]) -> None:
    assert manager.config_folders(version) == folders
    assert manager.version_in(f'[project]\nname = "x"\nversion = "{version}"\n') == version
