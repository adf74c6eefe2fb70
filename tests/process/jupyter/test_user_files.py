"""No file of the user's ends JupyterLab or switches the pod's login off: as root, as another uid, with no door."""

from __future__ import annotations

import json

import pytest

from entrypoint.system.loopback_http import send
from tests.support.file_systems import needs_root
from tests.support.pod import TOKEN
from tests.support.pod_with_files import UID, conditions, pod_with
from tests.support.ports import free_port
from tests.support.waiting import wait_until

VOLUME, HOME = "comfyui/.jupyter/jupyter_lab_config", "home/.jupyter/jupyter_server_config"
#: Every file sets what would open JupyterLab to everybody, or move it away from where it is probed and announced.
OPEN = {"token": "", "password": "", "port": 8888, "base_url": "/x/", "certfile": "/x.pem", "keyfile": "/x.key"}
EVERYTHING = {
    **{name + ".json": json.dumps(dict.fromkeys(("ServerApp", "NotebookApp", "IdentityProvider"), OPEN))
       for name in (VOLUME, HOME, "home/.jupyter/jupyter_lab_config", "home/.jupyter/jupyter_config")},
    VOLUME + ".py": "c.ServerApp.port = 'abc'\nc.ServerApp.allow_origin = None\nc.ServerApp.root_dir = '/nowhere'\n"
    "c.ServerApp.IdentityProvider.token = ''\nc.LoggingConfigurable.token = ''\nc.ServerApp.allow_root = False\n",
    HOME + ".py": "c.ServerApp.root_dir = '/nowhere'\nc.ServerApp.identity_provider_class = 'no.Such'\n",
    "home/.jupyter/jupyter_config.py": "import sys; sys.exit()",
    "comfyui/.jupyter/jupyter_lab_config.d/a.py": "raise KeyboardInterrupt",
}  # fmt: skip


def no_door() -> dict[str, str]:
    """Equal ports: what the entrypoint makes of a missing nginx."""
    ports = {name: str(free_port()) for name in ("JUPYTER", "STATUS")}
    return {f"{name}{kind}_PORT": port for name, port in ports.items() for kind in ("", "_INTERNAL")}


@needs_root
@pytest.mark.parametrize("environ", [no_door(), {}], ids=["no door", "behind the door"])
@pytest.mark.parametrize("user", [None, UID], ids=["root", "uid 1000"])
def test_the_login_stays_and_every_left_out_setting_is_named(
    user: int | None, environ: dict[str, str], python: str
) -> None:
    with pod_with(EVERYTHING, python, environ, user) as pod:
        for port in {pod.jupyter_port, int(pod.environ["JUPYTER_INTERNAL_PORT"])}:
            assert send("GET", port, "/api/contents", 10).status in (302, 401, 403)
            assert send("GET", port, "/api/terminals", 10, {"Origin": "https://evil.example"}).status in (302, 401, 403)
        assert pod.jupyter("/api/contents")["path"] == ""
        assert pod.jupyter("/api/terminals") == []
        held = conditions(pod)
        assert f"{pod.home / (VOLUME + '.py')}: ServerApp.allow_origin is ignored" in held["JupyterUserSettingIgnored"]
        for name in (VOLUME, HOME):
            for setting in ("NotebookApp.token", "ServerApp.certfile", "IdentityProvider.token"):
                words = f"{pod.home / (name + '.json')}: {setting} is ignored"
                assert words in held["JupyterUserSettingIgnored"]
        assert "jupyter_config.py: SystemExit" in held["JupyterUserConfigBroken"]
        assert "a.py: KeyboardInterrupt" in held["JupyterUserConfigBroken"]
        assert str(pod.home / "comfyui") in pod.log("jupyter.log")


@needs_root
@pytest.mark.parametrize(
    "text", ["c.ServerApp.extra_static_paths.append(5)", "c.ServerApp.logging_config = {'version': 7}"]
)
@pytest.mark.parametrize("user", [None, UID], ids=["root", "uid 1000"])
def test_what_no_check_foresees_costs_one_restart_and_the_users_files(text: str, user: int | None, python: str) -> None:
    with pod_with({VOLUME + ".py": text}, python, {}, user) as pod:
        wait_until(lambda: "JupyterUserConfigBroken" in conditions(pod), 20, "the condition")
        assert "runs without" in conditions(pod)["JupyterUserConfigBroken"]
        assert pod.jupyter("/api/contents")["path"] == ""


@needs_root
@pytest.mark.parametrize(
    "text", ["[1]", '{"ServerApp": 5}', '{"ServerApp": {"jpserver_extensions": 5}}', "{", "\udcff"]
)
def test_jupyters_own_search_for_extensions_survives_any_json(text: str, python: str) -> None:
    with pod_with({}, python, {}) as pod:
        (pod.home / (HOME + ".json")).write_bytes(text.encode(errors="surrogateescape"))
        ended = pod.podkeeper("restart", "jupyter")
        assert ended.returncode == 0, ended.stderr
        wait_until(lambda: str(HOME) in str(conditions(pod)), 30, "the condition")
        pod.wait_for_jupyter()
        assert pod.jupyter("/api/terminals", TOKEN) == []
