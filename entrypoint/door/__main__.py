"""A: the door's launcher: writes nginx's configuration, then executes nginx: `python -I -m entrypoint.door`.

nginx runs in the runtime folder and its configuration holds relative paths only: neither an unusual character in a
path nor a parent folder that nginx's user can't enter matters.
"""

from __future__ import annotations

import contextlib
import html
import os
import pwd
import resource
import secrets
import socket
import sys
from collections.abc import Iterable

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.door.find_nginx import find_nginx
from entrypoint.door.nginx_config import Secrets, config_text, filled, services_behind_door
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES, Service, service_named
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity
from entrypoint.system.files import read_text, write_atomically
from entrypoint.system.launch_report import report_launch
from entrypoint.system.ports import is_free, port_taken, taken_ports
from entrypoint.system.privileges import own_identity, powers

#: User nginx runs as where the pod is root; it owns no files (base-passwd of Debian and Ubuntu).
USER = "www-data"
HERE = os.path.dirname(os.path.abspath(__file__))
TEMPLATES = ("nginx.conf", "server.conf", "files.conf", "workflow.conf", "tiles.conf")
#: Connections the door may hold; a proxied request takes two. 3,000 half-open requests must not close it.
_CONNECTIONS = 16384


def main() -> int:
    """Execute nginx; returns an exit code only when nginx cannot be run."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    nginx = find_nginx(os.environ["PATH"])
    problems = without_door(settings, nginx)
    if not (settings.door_port and nginx):
        return report_launch(paths.runtime, "gateway", problems)
    try:
        login = read_login_secrets(settings, paths)
    except CannotDo as error:
        return report_launch(paths.runtime, "gateway", [error.condition])
    services = services_behind_door(settings)
    taken = taken_services(settings, services)
    report_launch(paths.runtime, "gateway", [*problems, *together(taken.values())])
    if len(taken) == len(services):
        return 1  # nothing to listen on: supervisord tries again
    os.umask(0o077)
    user = unprivileged_user()
    texts = {name: read(f"{HERE}/{name}") for name in TEMPLATES}
    hostname, connections = socket.gethostname(), connection_limit()
    ports = (service.public_port(settings) for service in services)
    ipv6 = [port for port in ports if is_free("::", port)]
    config = config_text(
        texts, settings, login, hostname=hostname, connections=connections, without=taken, ipv6=ipv6,
        as_root=user.uid == 0,
    )  # fmt: skip
    prepare_folder(settings, paths, config, user)
    os.chdir(paths.runtime)
    drop_privileges(user)
    command = [nginx, "-p", "./", "-e", "stderr", "-c", "gateway/nginx.conf"]
    return os.execve(nginx, command, {"PATH": os.environ["PATH"]})


def without_door(settings: Settings, nginx: str) -> list[Condition]:
    """The condition that some services have no door in front of them; they listen on the loopback."""
    public = [service for service in SERVICES if service.public_setting and service.enabled(settings)]
    without = [service for service in public if not service.behind_door(settings)]
    if not without:
        return []
    cause, remedy = "nginx is not installed", "apt-get install nginx"
    if nginx:
        variables = [service.port_setting.upper() for service in without]
        cause, remedy = f"{variables[0]} is the public port", f"unset {' and '.join(variables)}"
    titles = ", ".join(service.title for service in without)
    reason = f"{cause}, so {titles} can be reached from this machine only, ComfyUI without a login"
    return [Condition("GatewayMissing", reason, f"{remedy}, then restart the pod")]


def read_login_secrets(settings: Settings, paths: Paths) -> Secrets:
    """The secrets that the start wrote to the runtime folder; unreadable secrets keep the door shut."""
    token, cookie_secret = read_text(paths.token_file), read_text(paths.cookie_secret_file)
    key = read_text(paths.door_secret_file)
    if not key or ("token" in (settings.jupyter_auth, settings.comfyui_auth) and not (token and cookie_secret)):
        reason = "the login's files can't be read, so no one can log in"
        raise CannotDo(Condition("GatewayWithoutLogin", reason, "restart the pod"))
    unknown = secrets.token_hex(32)
    return Secrets(token or unknown, cookie_secret or unknown, key)


def taken_services(settings: Settings, services: list[Service]) -> dict[str, Condition]:
    """Service name -> the condition, for each public port that another program holds; the others are opened."""
    taken = taken_ports([service.public_port(settings) for service in services])
    found = {}
    for service in services:
        port = service.public_port(settings)
        if port in taken:
            found[service.name] = port_taken("GatewayPortTaken", port, taken[port], service.public_setting.upper())
    return found


def together(conditions: Iterable[Condition]) -> list[Condition]:
    """One condition of several taken ports: a name is recorded once."""
    found = list(conditions)
    if len(found) < 2:
        return found
    reasons, remedies = (dict.fromkeys(getattr(each, key) for each in found) for key in ("reason", "remedy"))
    return [Condition("GatewayPortTaken", "; ".join(reasons), "; ".join(remedies))]


def connection_limit() -> int:
    """As many connections as the kernel's limit of open files allows, after raising it as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 2 * _CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * _CONNECTIONS)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return max(512, min(_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 64))


def unprivileged_user() -> Identity:
    """The user to run nginx as: USER where this process may change its user, else its own."""
    may = powers()
    with contextlib.suppress(KeyError):
        if may.change_user and may.chown:
            entry = pwd.getpwnam(USER)
            return Identity(entry.pw_uid, entry.pw_gid)
    return own_identity()


def prepare_folder(settings: Settings, paths: Paths, config: str, user: Identity) -> None:
    """Write the configuration and the pages, and link the data folder, whose large files nginx sends itself.

    The folders are nginx's own, with mode 0700: nginx makes its folders for request bodies in them.
    """
    folder = f"{paths.runtime}/gateway"
    for path in (folder, f"{folder}/pages"):
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chown(path, *user)
    style = read(f"{HERE}/pages/style.css")
    login, starting = (read(f"{HERE}/pages/{name}.html").replace("@STYLE@", style) for name in ("login", "starting"))
    pages = {"login.html": login}
    for service in services_behind_door(settings):
        values = {"TITLE": html.escape(service.title), "NAME": service.name, **_status_page(settings, service)}
        pages[f"starting-{service.name}.html"] = filled(starting, values)
    write_atomically(f"{paths.runtime}/activity", "", 0o644, user)  # nginx appends to it, the meter reads its size
    for name, text in pages.items():
        write_atomically(f"{folder}/pages/{name}", text, 0o600, user)
    write_atomically(f"{folder}/nginx.conf", config, 0o600, user)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{folder}/files")
    os.symlink(paths.data, f"{folder}/files")


def _status_page(settings: Settings, service: Service) -> dict[str, str]:
    """The status page's address for a starting page; its port alone where only the browser knows the host."""
    status = service_named("status")
    if service is status or not status.enabled(settings):
        return {"STATUS_URL": "", "STATUS_PORT": ""}
    url = status.address(settings) if settings.pod_id else ""
    return {"STATUS_URL": url, "STATUS_PORT": "" if url else str(status.public_port(settings))}


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
