"""P: the plan of a start: a short tuple of steps, and the environment that supervisord gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from entrypoint.boot.own_folders import report_home
from entrypoint.boot.pod_kind import environ_of
from entrypoint.boot.read_settings import report_ignored
from entrypoint.door.login import COMFYUI_AUTH_OFF, JUPYTER_AUTH_OFF, check_login_enabled, check_token, prepare_login
from entrypoint.jupyter.ui_defaults import interface_text
from entrypoint.models.sources.tokens import keep_logins
from entrypoint.packages import BIN as PACKAGES_BIN
from entrypoint.runpod.actions import is_wanted
from entrypoint.settings.lenient import Read
from entrypoint.settings.paths import Facts, Paths
from entrypoint.settings.secret_names import is_secret
from entrypoint.settings.settings import Settings, secret_variables
from entrypoint.settings.users import Identity
from entrypoint.start_command.keep import keep_start_command
from entrypoint.supervision.log_forwarder import mark_log_starts
from entrypoint.system.files import write_atomically
from entrypoint.system.named_secrets import keep_named
from entrypoint.system.privileges import as_service_user, service_identity_of
from entrypoint.volumes import boot_steps
from entrypoint.volumes.adopt_folders import adopt_folders
from entrypoint.volumes.layout import make_data_folder

#: Variable that tells supervisord.conf whether there is a start command.
START_COMMAND = "PODKEEPER_START_COMMAND"
#: Variable that tells supervisord.conf whether COMFYUI_VERSION has to be looked after.
OTHER_COMFYUI = "PODKEEPER_OTHER_COMFYUI"
#: Variable that tells supervisord.conf whether outputs are delivered (OUTPUTS_TO).
OUTPUTS = "PODKEEPER_OUTPUTS"
#: Variable that tells supervisord.conf whether there are workflows to fetch (WORKFLOWS).
WITH_WORKFLOWS = "PODKEEPER_WITH_WORKFLOWS"
#: Variables that tell supervisord.conf whether the meter, and RunPod's API, are of use.
METER, RUNPOD = "PODKEEPER_METER", "PODKEEPER_RUNPOD"
#: Variable that tells supervisord.conf who may use supervisord's socket: uid:gid of the services' user.
SOCKET_OWNER = "PODKEEPER_SOCKET_OWNER"

#: Variable with the PATH that login shells get (image/profile.sh): /etc/profile replaces theirs by Debian's.
PATH_FOR_LOGIN_SHELLS = "PODKEEPER_PATH"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a start, without which the pod can run; `name` completes "cannot ...", `run` raises `CannotDo` or
    `OSError` where it cannot."""

    name: str
    run: Callable[[], None]


def make_plan(
    settings: Settings,
    facts: Facts,
    paths: Paths,
    service: Identity,
    command: list[str],
    read: Read | None = None,
    wanted_home: str = "",
) -> tuple[Step, ...]:
    """Return the steps of a start, in order.

    Args:
        settings: The settings in use.
        facts: The machine's.
        paths: Where everything is.
        service: The user of the services and of `command`.
        command: The start command; []: none.
        read: How the settings differ from the environment.
        wanted_home: The home before `own_folders.make_home` replaced it; "": the same.
    """
    as_service = partial(partial, as_service_user, settings)
    interface = as_service(partial(write_atomically, paths.interface_defaults, interface_text()))
    open_top = Step("open up the data folder", partial(boot_steps.open_top, settings, paths))
    lock_comfyui = Step("lock ComfyUI", partial(check_login_enabled, settings.comfyui_auth, COMFYUI_AUTH_OFF))
    return (
        Step("use the settings as they are given", partial(report_ignored, read or Read(settings))),
        Step("use the home", partial(report_home, wanted_home or paths.home, paths)),
        Step("mark where this start's logs begin", partial(mark_log_starts, paths)),
        Step("use the volume", partial(boot_steps.report_unresponsive_volumes, facts.silent)),
        Step("run the services as asked", partial(boot_steps.check_user, settings)),
        Step("make the data folder", partial(make_data_folder, paths, service)),
        *((open_top,) if service.uid != facts.uid else ()),
        Step("use the volume's own folders for models and output", as_service(partial(adopt_folders, paths))),
        open_top,
        Step("prepare the login", partial(prepare_login, settings, paths, service)),
        Step("check the token", partial(check_token, settings)),
        Step("lock JupyterLab", partial(check_login_enabled, settings.jupyter_auth, JUPYTER_AUTH_OFF)),
        *((lock_comfyui,) if settings.comfyui_enabled else ()),
        Step("keep the logins for model downloads", partial(keep_logins, settings, paths)),
        Step("keep the secrets that are named", partial(keep_named, read.secrets if read else {}, paths)),
        Step("keep the start command", partial(keep_start_command, command, paths, service)),
        Step("write the defaults of JupyterLab's interface", interface),
    )


def child_environ(
    environ: Mapping[str, str], settings: Settings, paths: Paths, command: Sequence[str] = ()
) -> dict[str, str]:
    """Return the environment of supervisord and its children: the user's variables and the settings, no secret.

    `jupyter` and `podkeeper` in a terminal are those of JupyterLab's own environment, `pip` and `python` those of
    ComfyUI's (packages/bin). USER is set because
    Python's getpass looks up the uid's name where USER is unset; in an image only root has one, and importing torch
    fails then. `command`: the start command.
    """
    kept = {name: text for name, text in environ.items() if name not in secret_variables() and not is_secret(name)}
    own_bin = paths.python.rpartition("/")[0]
    first = (PACKAGES_BIN, own_bin, f"{paths.packages}/env/bin")
    search = [part for part in kept.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":") if part not in first]
    named = {} if paths.home == "/root" else {"USER": "podkeeper"}
    ours = {"PATH": ":".join([*first, *search]), START_COMMAND: "true" if command else "false"}
    ours[PATH_FOR_LOGIN_SHELLS] = ours["PATH"]
    ours[OTHER_COMFYUI] = "true" if settings.comfyui_enabled and settings.comfyui_version else "false"
    ours[OUTPUTS] = "true" if settings.outputs_to else "false"
    ours[WITH_WORKFLOWS] = "true" if settings.workflows else "false"
    asks_runpod = bool(settings.pod_id or is_wanted(settings))
    ours[RUNPOD] = "true" if asks_runpod else "false"
    ours[METER] = "true" if asks_runpod or settings.cost_per_hour else "false"
    ours[SOCKET_OWNER] = str(service_identity_of(settings))
    ours |= environ_of(settings, command)
    return named | kept | settings.to_environ() | paths.to_environ() | ours
