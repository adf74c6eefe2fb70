"""A: finds the pod that runs here, from a terminal, `docker exec` or ssh.

A terminal of JupyterLab has the pod's environment, `docker exec` has the container's, and an ssh session has none. The
settings of the running pod are in supervisord's own environment, which holds no secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from entrypoint.settings.lenient import read_leniently
from entrypoint.settings.paths import Paths, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.facts import look
from entrypoint.system.files import read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The pod as it was started; `settings` are without the secrets, `environ` is what a child of the pod would get.

    `supervisord`: supervisord's process id; 0: it does not run.
    """

    settings: Settings
    paths: Paths
    environ: Mapping[str, str]
    supervisord: int


def attach(environ: Mapping[str, str]) -> Pod:
    """Return the pod that `environ` belongs to, or else the pod at the paths that its settings give.

    A value that cannot be used is ignored, as the start did.
    """
    try:
        paths = Paths.from_environ(environ)
    except KeyError:
        paths = _located(read_leniently(environ).settings)
    pid = supervisord_of(paths)
    found = dict(environ) | paths.to_environ() | _environ_of(pid)
    read = read_leniently(found)  # `docker exec` has the container's values, those the start did not use among them
    usable = read.usable_environ(found)
    return Pod(settings=read.settings, paths=Paths.from_environ(found), environ=usable, supervisord=pid)


def _located(settings: Settings) -> Paths:
    """The paths of the pod at the places that the settings give: as its own user sees them, whom the runtime folder
    belongs to (`docker exec --user` in a pod that root has started)."""
    facts = look()
    paths = locate(settings, facts)
    try:
        owner = os.stat(paths.runtime).st_uid
    except OSError:
        return paths
    if owner == facts.uid:
        return paths
    return locate(settings, replace(facts, uid=owner, root_writable=os.path.islink("/comfyui")))


def supervisord_of(paths: Paths) -> int:
    """Return the process id of the pod's supervisord, or 0; the pid file of an ended supervisord does not count."""
    text = (read_text(f"{paths.runtime}/supervisord.pid") or "").strip()
    if not text.isdigit():
        return 0
    command = read_text(f"/proc/{text}/cmdline") or ""
    return int(text) if "supervisor.supervisord" in command else 0


def _environ_of(pid: int) -> dict[str, str]:
    """Return the settings, the paths and USER in supervisord's environment; {} where another user's process hides it.

    USER: torch and others ask for a name (getpass.getuser), and a uid of PUID has none in /etc/passwd.
    """
    entries = (read_text(f"/proc/{pid}/environ") or "").split("\0") if pid else []
    pairs = dict(entry.partition("=")[::2] for entry in entries if entry)
    wanted = {"USER", *Settings().to_environ(), *(name for name in pairs if name.startswith("PODKEEPER_"))}
    return {name: text for name, text in pairs.items() if name in wanted}
