"""A: run the steps of a start."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from entrypoint.condition_store import raise_condition
from entrypoint.conditions import CannotDo, Condition
from entrypoint.paths import Paths
from entrypoint.volumes.owner import Identity

if TYPE_CHECKING:
    from entrypoint.plan import Step


class Aborted(Exception):
    """A step failed without which nothing useful can run; the message is one line for the user."""


def run_steps(steps: Iterable[Step], runtime: str) -> None:
    """Run the steps in order; what fails and may fail becomes a condition.

    Raises:
        Aborted: A step that may not fail did.
    """
    for step in steps:
        try:
            step.run()
        except (CannotDo, OSError) as error:
            if step.on_failure == "abort":
                raise Aborted(f"cannot {step.name}: {_one_line(error)}") from error
            _record(runtime, step, error)


def _record(runtime: str, step: Step, error: CannotDo | OSError) -> None:
    if isinstance(error, CannotDo):
        condition = error.condition
    else:
        remedy = "look at the volume and its free space, then restart the pod"
        condition = Condition("StartStepFailed", f"cannot {step.name}: {_one_line(error)}", remedy)
    raise_condition(runtime, condition)
    print(f"podkeeper: {condition}", file=sys.stderr, flush=True)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


def make_own_folders(paths: Paths, service: Identity) -> None:
    """The folders the pod itself writes to; conditions of an earlier start are forgotten.

    Args:
        paths: Where they are.
        service: Who runs the services: home and conditions are theirs to write.

    Raises:
        OSError: One can't be made, or the runtime folder is somebody else's (it holds the token: in a shared
            temporary folder another user could have made it first).
    """
    conditions = os.path.join(paths.runtime, "conditions")
    interface = os.path.dirname(paths.interface_defaults)
    theirs = (
        (paths.home, 0o755),
        (paths.jupyter_config_folder, 0o700),
        (interface, 0o755),
        (conditions, 0o755),
    )
    for folder, mode in ((paths.log, 0o755), (paths.runtime, 0o755), *theirs):
        os.makedirs(folder, mode=mode, exist_ok=True)
    found = os.lstat(paths.runtime)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(1, "it belongs to another user; remove it", paths.runtime)
    if service.uid != os.geteuid():
        for folder, _ in theirs:
            os.chown(folder, service.uid, service.gid)
    for name in os.listdir(conditions):
        os.unlink(os.path.join(conditions, name))
