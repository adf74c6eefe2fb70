"""A: the gateway's launcher: writes nginx's configuration, then executes nginx: `python -I -m entrypoint.door`.

nginx runs in the runtime folder and its configuration holds relative paths only: neither an unusual character in a
path nor a parent folder that nginx's user can't enter matters.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import sys

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.door.find_nginx import find_nginx
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity
from entrypoint.system.files import read_text, write_atomically
from entrypoint.system.launch_report import report_launch
from entrypoint.system.ports import wait_for_port
from entrypoint.system.privileges import own_identity, powers

#: User nginx runs as where the pod is root; it owns no files (base-passwd of Debian and Ubuntu).
USER = "www-data"
HERE = os.path.dirname(os.path.abspath(__file__))
PAGES = ("login.html", "starting.html")


def main() -> int:
    """Execute nginx; returns an exit code only when nginx cannot be run."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    nginx = find_nginx(os.environ["PATH"])
    try:
        check_gateway_possible(settings, nginx)
        login = read_login_secrets(settings, paths)
        wait_for_port(settings.comfyui_port, "GatewayPortTaken", "COMFYUI_PORT")
    except CannotDo as error:
        return report_launch(paths.runtime, "gateway", [error.condition])
    report_launch(paths.runtime, "gateway", [])
    os.umask(0o077)
    user = unprivileged_user()
    prepare_folder(paths, config_text(read(f"{HERE}/nginx.conf"), settings, login), user)
    os.chdir(paths.runtime)
    drop_privileges(user)
    command = [nginx, "-p", "./", "-e", "stderr", "-c", "gateway/nginx.conf"]
    return os.execve(nginx, command, {"PATH": os.environ["PATH"]})


def check_gateway_possible(settings: Settings, nginx: str) -> None:
    """Raise CannotDo where ComfyUI has no gateway."""
    if settings.gateway and nginx:
        return
    cause = "COMFYUI_INTERNAL_PORT is COMFYUI_PORT" if nginx else "nginx is not installed"
    remedy = "unset COMFYUI_INTERNAL_PORT" if nginx else "apt-get install nginx"
    reach = "anywhere, without a login" if settings.comfyui_auth == "none" else "this machine only"
    reason = f"{cause}, so ComfyUI has no gateway and can be reached from {reach}"
    raise CannotDo(Condition("GatewayMissing", reason, f"{remedy}, then restart the pod"))


def read_login_secrets(settings: Settings, paths: Paths) -> Secrets:
    """The secrets that the start wrote to the runtime folder; unreadable secrets keep the gateway down."""
    token, cookie_secret = read_text(paths.token_file), read_text(paths.cookie_secret_file)
    if settings.comfyui_auth == "token" and not (token and cookie_secret):
        reason = "the login's files can't be read, so no one can log in to ComfyUI"
        raise CannotDo(Condition("GatewayWithoutLogin", reason, "restart the pod"))
    key = secrets.token_hex(32)
    return Secrets(token or key, cookie_secret or key, secrets.token_hex(32))


def unprivileged_user() -> Identity:
    """The user to run nginx as: USER where this process may change its user, else its own."""
    may = powers()
    with contextlib.suppress(KeyError):
        if may.change_user and may.chown:
            entry = pwd.getpwnam(USER)
            return Identity(entry.pw_uid, entry.pw_gid)
    return own_identity()


def prepare_folder(paths: Paths, config: str, user: Identity) -> None:
    """Write the configuration and the pages, and link the data folder, whose large files nginx sends itself.

    The folders are nginx's own, with mode 0700: nginx makes its folders for request bodies in them.
    """
    folder = f"{paths.runtime}/gateway"
    for path in (folder, f"{folder}/pages"):
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chown(path, *user)
    for name in PAGES:
        write_atomically(f"{folder}/pages/{name}", read(f"{HERE}/pages/{name}"), 0o600, user)
    write_atomically(f"{folder}/nginx.conf", config, 0o600, user)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{folder}/files")
    os.symlink(paths.data, f"{folder}/files")


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def drop_privileges(user: Identity) -> None:
    """Drop root's privileges for good. The log is given to `user`: nginx opens /dev/stdout by its name."""
    if user == own_identity():
        return
    with contextlib.suppress(OSError):
        os.fchown(1, *user)
    os.setgroups([])
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)


if __name__ == "__main__":
    sys.exit(main())
