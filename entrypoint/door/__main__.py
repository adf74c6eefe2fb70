"""A: write the gateway's configuration, then become nginx: `python -I -m entrypoint.door`.

nginx runs in the runtime folder and its configuration holds relative paths only: neither an odd character in a
path nor a folder on the way that its user can't enter gets between.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import sys

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.conditions.registry import blocked_services, cleared_by
from entrypoint.door.find_nginx import find_nginx
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import read_text, write_atomically
from entrypoint.system.ports import wait_for_port
from entrypoint.system.privileges import own_identity, powers

#: supervisord restarts the program after EX_TEMPFAIL, not after EX_CONFIG (`exitcodes` in supervisord.conf).
EX_TEMPFAIL, EX_CONFIG = 75, 78
PROGRAM = "gateway"
#: Whom nginx runs as where root may choose: nobody's files are this user's (base-passwd of Debian and Ubuntu).
USER = "www-data"
HERE = os.path.dirname(os.path.abspath(__file__))
PAGES = ("login.html", "starting.html")


def main() -> int:
    """Become nginx; returns only when it can't be run."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    nginx = find_nginx(os.environ["PATH"])
    try:
        check_that_there_is_one(settings, nginx)
        login = login_secrets(settings, paths)
        wait_for_port(settings.comfyui_port, "GatewayPortTaken", "COMFYUI_PORT")
    except CannotDo as error:
        return report(paths.runtime, error.condition)
    report(paths.runtime, None)
    os.umask(0o077)
    user = unprivileged_user()
    config = config_text(read(f"{HERE}/nginx.conf"), settings, login)
    prepare_folder(f"{paths.runtime}/gateway", config, paths.data, user)
    os.chdir(paths.runtime)
    become(user)
    command = [nginx, "-p", "./", "-e", "stderr", "-c", "gateway/nginx.conf"]
    return os.execve(nginx, command, {"PATH": os.environ["PATH"]})


def check_that_there_is_one(settings: Settings, nginx: str) -> None:
    """Raises CannotDo where ComfyUI has no gateway."""
    if settings.gateway and nginx:
        return
    why = "COMFYUI_INTERNAL_PORT is COMFYUI_PORT" if nginx else "nginx is not installed"
    remedy = "unset COMFYUI_INTERNAL_PORT" if nginx else "apt-get install nginx"
    reach = "everybody, without a login" if settings.comfyui_auth == "none" else "this machine only"
    reason = f"{why}, so ComfyUI has no gateway and can be reached from {reach}"
    raise CannotDo(Condition("GatewayMissing", reason, f"{remedy}, then restart the pod"))


def login_secrets(settings: Settings, paths: Paths) -> Secrets:
    """What the start has put into the runtime folder; a login that can't be read is no reason to leave it out."""
    token, cookie_secret = read_text(paths.token_file), read_text(paths.cookie_secret_file)
    if settings.comfyui_auth == "token" and not (token and cookie_secret):
        reason = "the login's files can't be read, so nobody can be let in to ComfyUI"
        raise CannotDo(Condition("GatewayWithoutLogin", reason, "restart the pod"))
    key = secrets.token_hex(32)
    return Secrets(token or key, cookie_secret or key, secrets.token_hex(32))


def report(runtime: str, condition: Condition | None) -> int:
    """Record what keeps the gateway down and forget what does no more; the exit code."""
    for name in cleared_by(PROGRAM) - ({condition.name} if condition else set()):
        clear_condition(runtime, name)
    if condition is None:
        return 0
    raise_condition(runtime, condition)
    print(f"gateway: {condition}", flush=True)
    return EX_CONFIG if blocked_services({condition.name}) else EX_TEMPFAIL


def unprivileged_user() -> Identity:
    """Whom to run as: somebody who owns nothing, where we may choose."""
    may = powers()
    if not (may.change_user and may.chown):
        return own_identity()
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam(USER)
        return Identity(entry.pw_uid, entry.pw_gid)
    return own_identity()


def prepare_folder(folder: str, config: str, data: str, user: Identity) -> None:
    """The configuration, the pages, and a link to the files that nginx sends itself.

    0700, all of it nginx's, which makes its folders for bodies itself.
    """
    for path in (folder, f"{folder}/pages"):
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chown(path, *user)
    for name in PAGES:
        write_atomically(f"{folder}/pages/{name}", read(f"{HERE}/pages/{name}"), 0o600, user)
    write_atomically(f"{folder}/nginx.conf", config, 0o600, user)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{folder}/files")
    os.symlink(data, f"{folder}/files")


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def become(user: Identity) -> None:
    """Take off root's powers for good. The log stays ours to open: nginx opens /dev/stdout by its name."""
    if user == own_identity():
        return
    with contextlib.suppress(OSError):
        os.fchown(1, *user)
    os.setgroups([])
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)


if __name__ == "__main__":
    sys.exit(main())
