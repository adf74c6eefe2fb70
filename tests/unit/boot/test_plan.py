"""The plan of a start, and the environment it hands on."""

from entrypoint.boot.plan import START_COMMAND, child_environ
from entrypoint.packages import BIN
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import FOREIGN_SECRETS, Settings

FACTS = Facts(mounts=frozenset({"/"}), uid=0, temporary="/tmp", python="/opt/env/bin/python")


def test_the_users_variables_go_on_and_secrets_do_not() -> None:
    environ = {
        "WANDB_MODE": "offline",
        "PATH": "/usr/bin",
        "JUPYTER_TOKEN": "s3cret",
        "JUPYTER_PASSWORD": "s3cret",
    }
    environ |= dict.fromkeys((*FOREIGN_SECRETS, "HF_TOKEN", "CIVITAI_TOKEN", "GITHUB_TOKEN"), "s3cret")
    settings = Settings.from_environ(environ)
    handed = child_environ(environ, settings, locate(settings, FACTS))
    assert handed["WANDB_MODE"] == "offline"
    assert "s3cret" not in handed.values()


def test_our_environments_commands_come_first_on_the_path_and_once() -> None:
    settings = Settings()
    environ = {"PATH": "/usr/bin:/opt/env/bin:/bin"}
    path = child_environ(environ, settings, locate(settings, FACTS))["PATH"]
    assert path == f"{BIN}:/opt/env/bin:/var/lib/podkeeper/packages/env/bin:/usr/bin:/bin"
    assert child_environ({"PATH": path}, settings, locate(settings, FACTS))["PATH"] == path


def test_home_is_the_folder_whose_jupyter_configuration_is_read() -> None:
    settings = Settings(home="/srv/pod")
    handed = child_environ({"HOME": "/home/me", "PATH": "/bin"}, settings, locate(settings, FACTS))
    assert handed["HOME"] == "/srv/pod/home"


def test_a_uid_without_a_name_gets_one_for_python_to_find() -> None:
    """Importing torch calls getpass.getuser(), which raises KeyError where neither USER nor a passwd entry is."""
    unnamed = Settings(puid="1000")
    assert child_environ({}, unnamed, locate(unnamed, FACTS))["USER"] == "podkeeper"
    assert child_environ({"USER": "me"}, unnamed, locate(unnamed, FACTS))["USER"] == "me"
    assert "USER" not in child_environ({}, Settings(), locate(Settings(), FACTS))


def test_supervisord_learns_whether_there_is_a_start_command() -> None:
    settings = Settings()
    for command, told in ((["true"], "true"), ([], "false")):
        handed = child_environ({START_COMMAND: "mine"}, settings, locate(settings, FACTS), command)
        assert handed[START_COMMAND] == told
