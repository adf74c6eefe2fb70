"""A: the runner of the start command (the container's CMD): `python -I -m entrypoint.start_command`.

Templates end in a start command: `docker run IMAGE bash -c '...'`, RunPod's "Container Start Command". In other images
it replaces all services as PID 1; here it is one more program beside them.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, TypeGuard

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import ENDS_WITH, Paths
from entrypoint.settings.settings import Settings
from entrypoint.supervision.exits import reason_for_exit
from entrypoint.supervision.orphans import become_subreaper
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import read_json
from entrypoint.system.privileges import become_service_user

FAILED = "StartCommandFailed"
GRACE = 5.0  # Seconds from SIGTERM to SIGKILL at a stop; supervisord gives this program one more.
#: A shell's exit codes for a command that it cannot find, or cannot run.
EX_NOT_FOUND, EX_NOT_RUN = 127, 126
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
_WAIT_SIGNALS = {*_STOP_SIGNALS, signal.SIGCHLD}


def main() -> int:
    """Run the command until it and all its descendants have ended; returns its exit code."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_service_user(settings)
    if not os.path.lexists(paths.start_command):
        print("podkeeper: this pod was started without a command", flush=True)
        return 0
    command = read_json(paths.start_command)
    if not _is_command(command):
        remedy = "restart the pod, which writes the file anew; the services run without the command"
        _raise(paths, f"the start command cannot be read: {paths.start_command} is damaged", remedy)
        return EX_NOT_RUN
    clear_condition(paths.runtime, FAILED)
    become_subreaper()  # its background processes can still write to the log, and be stopped
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAIT_SIGNALS)
    print(f"podkeeper: running the start command ({_name(command)})", flush=True)
    try:
        leader = _start(command)
    except (OSError, ValueError) as error:  # ValueError: the first word is empty
        _fail(paths, command, f"cannot be run: {getattr(error, 'strerror', error)}")
        return EX_NOT_FOUND if isinstance(error, FileNotFoundError) else EX_NOT_RUN
    return _watch(leader, command, paths)


def _is_command(found: Any) -> TypeGuard[list[str]]:
    return isinstance(found, list) and found != [] and all(isinstance(word, str) for word in found)


def _name(command: list[str]) -> str:
    """The first word for a log: a word that is not UTF-8 arrives with lone surrogates, which print() refuses."""
    return command[0].encode(errors="replace").decode()


def _start(command: list[str]) -> int:
    """Start the command in a session of its own, with no signal blocked and an empty standard input."""
    nothing = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
    return os.posix_spawnp(command[0], command, os.environ, file_actions=[nothing], setsid=True, setsigmask=())


def _watch(leader: int, command: list[str], paths: Paths) -> int:
    """Wait for every process of the command; returns the exit code of the first one, the leader."""
    result = 0
    while True:
        if signal.sigwait(_WAIT_SIGNALS) in _STOP_SIGNALS:
            _stop_everything()
            return 0
        for pid, code in _reap():
            if pid == leader:
                result = _report(code, command, paths)
            elif pid == 0:  # no process is left
                return result


def _reap() -> Iterator[tuple[int, int]]:
    """Yield (pid, exit code or minus the signal) of each child that has ended; then (0, 0) if no child is left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            yield 0, 0
            return
        if not pid:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _report(code: int, command: list[str], paths: Paths) -> int:
    """Log the exit and raise the condition on failure; returns the exit code as a shell gives it."""
    if code == 0:
        print("podkeeper: the start command exited with code 0", flush=True)
        return 0
    _fail(paths, command, reason_for_exit(code, oom_kills=0).text)
    return code if code > 0 else 128 - code


def _fail(paths: Paths, command: list[str], what: str) -> None:
    remedy = (
        f"read {paths.log}/command.log, then correct the command in the pod's template; the services run without it"
    )
    _raise(paths, f"the start command ({_name(command)}) {what}", remedy)


def _raise(paths: Paths, reason: str, remedy: str) -> None:
    condition = Condition(FAILED, reason, remedy)
    if os.environ.get(ENDS_WITH):  # the pod ends with the command's exit code
        return
    raise_condition(paths.runtime, condition)
    print(f"podkeeper: {condition}", flush=True)


def _stop_everything() -> None:
    """SIGTERM to every process of the command, SIGKILL to the remaining ones after GRACE."""
    import psutil  # only at a stop

    for member in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            member.terminate()
    deadline = time.monotonic() + GRACE
    while (0, 0) not in _reap():
        if signal.sigtimedwait({signal.SIGCHLD}, max(0.0, deadline - time.monotonic())) is None:
            break
    while (0, 0) not in _reap():  # a process that was forked meanwhile is found in the next round
        for member in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                member.kill()
        signal.sigtimedwait({signal.SIGCHLD}, 0.05)


if __name__ == "__main__":
    sys.exit(main())
