"""P: settings -> the text of jupyter_lab_config.py.

Trait names are those of jupyter-server 2.21 (`ServerApp.token` and `.password` are deprecated there); a start
that logs a deprecated or unknown trait fails a test.
"""

from __future__ import annotations

from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings

PROXY = "Settings for RunPod's proxy (Host is not local, Origin differs, tokens may not pass)"
LOGIN = "Login. The proxy's address is public and RunPod asks for no login"
SERVER = "Address, port and root folder"
DOOR = "entrypoint.jupyter.identity.DoorIdentityProvider"
DIRECT = "entrypoint.jupyter.identity.DirectIdentityProvider"
LABEXTENSIONS = __file__.rpartition("/")[0] + "/labextensions"
DESKTOP = "Behaviour that users expect of their own machine"


def rows(settings: Settings, paths: Paths) -> list[tuple[str, str, Any, str]]:
    """The lines of the configuration: (section, trait, value, reason)."""
    jupyter = service_named("jupyter")
    return [
        (PROXY, "ServerApp.allow_remote_access", True, "Allow non-local Host headers"),
        (PROXY, "ServerApp.allow_origin", "*", "Allow CORS from any origin; the door decides about logins"),
        (PROXY, "ServerApp.disable_check_xsrf", True, "Disable XSRF protection; the door's origin guard replaces it"),
        (PROXY, "ServerApp.trust_xheaders", True, "Trust X-Forwarded-* headers from proxy"),
        (PROXY, "ServerApp.terminals_enabled", True, "Enable terminal functionality"),
        *login_rows(settings, paths),
        (SERVER, "ServerApp.ip", "127.0.0.1", "The door (nginx) is what the proxy connects to"),
        (SERVER, "ServerApp.port", jupyter.port(settings), "JUPYTER_INTERNAL_PORT; the door has JUPYTER_PORT"),
        (SERVER, "ServerApp.port_retries", 0, "A taken port is an error; another port would be a 502 at the proxy"),
        (SERVER, "ServerApp.custom_display_url", f"{settings.public_url(jupyter.public_port(settings))}/lab",
         "The address in the log is the one that users can open"),
        (SERVER, "ServerApp.root_dir", paths.data, "ComfyUI's data"),
        (SERVER, "ServerApp.open_browser", False, "The container has no browser"),
        (SERVER, "ServerApp.allow_root", True, "Containers run as root"),
        (SERVER, "ServerApp.websocket_ping_interval", 30, "Seconds; the proxy cuts a silent connection after 100"),
        (DESKTOP, "ServerApp.terminado_settings", {"shell_command": ["bash"]}, "bash instead of sh"),
        (DESKTOP, "ContentsManager.allow_hidden", True, "Hidden files can be opened"),
        (DESKTOP, "FileContentsManager.always_delete_dir", True, "Folders with files in them can be deleted"),
        (DESKTOP, "FileContentsManager.delete_to_trash", False, "Deleting frees the disk"),
        (DESKTOP, "LabApp.extra_labextensions_path", [LABEXTENSIONS], "Tiles for ComfyUI and the status page"),
        (DESKTOP, "LabApp.news_url", None, "No request to other hosts"),
        (DESKTOP, "LabApp.check_for_updates_class", "jupyterlab.NeverCheckForUpdate", "No request to other hosts"),
    ]  # fmt: skip


def login_rows(settings: Settings, paths: Paths) -> list[tuple[str, str, Any, str]]:
    """The lines about the login: the door's; without a door JupyterLab's own."""
    secret = (LOGIN, "ServerApp.cookie_secret_file", paths.cookie_secret_file,
              "A copy of the secret kept on the volume: logins survive a restart")  # fmt: skip
    if service_named("jupyter").behind_door(settings):
        return [(LOGIN, "ServerApp.identity_provider_class", DOOR, "The door asks for the login, and lets no other "
                 "site's page in; JupyterLab believes the door alone"), secret]  # fmt: skip
    return [
        (LOGIN, "ServerApp.identity_provider_class", DIRECT, "No page of another origin may use the login cookie"),
        (LOGIN, "IdentityProvider.cookie_options", {"SameSite": "Strict"}, "Nor may a form of another site"),
        (LOGIN, "IdentityProvider.cookie_name", f"podkeeper-login-{settings.jupyter_port}",
         "All ports of localhost share their cookies"),
        secret,
        *([(LOGIN, "IdentityProvider.token", "", "JUPYTER_AUTH=none: no login at all")]
          if settings.jupyter_auth == "none" else []),
    ]  # fmt: skip


def config_text(settings: Settings, paths: Paths) -> str:
    """The whole file. It holds no secret."""
    lines = [
        "# Podkeeper writes this file at every start; changes to it are lost. Put your own settings into",
        f"# {paths.data}/.jupyter/jupyter_lab_config.py (or *.py, *.json in jupyter_lab_config.d beside it);",
        "# those files are read last and win, except for what is the pod's: address, TLS, login.",
        "c = get_config()",
    ]
    section = ""
    for title, trait, value, reason in rows(settings, paths):
        if title != section:
            section = title
            lines += ["", f"# {title}"]
        lines.append(f"c.{trait} = {value!r}  # {reason}")
    lines += ["", "from entrypoint.jupyter.user_config import load_user_config", ""]
    lines.append(f"load_user_config(c, {paths.data + '/.jupyter'!r})\n")
    return "\n".join(lines)
