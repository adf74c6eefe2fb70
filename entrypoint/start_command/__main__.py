"""A: the start command (the container's CMD), run once beside the services: `python -I -m entrypoint.start_command`.

Templates end in one: `docker run IMAGE bash -c '...'`, a RunPod template's "Container Start Command". Elsewhere such
a command is PID 1 and takes the place of everything; here it is one more program that can't hurt the others.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.supervision.exits import end_of_process
from entrypoint.supervision.orphans import adopt_descendants
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import read_text
from entrypoint.system.privileges import become_the_service_user

FAILED = "StartCommandFailed"
#: Seconds from SIGTERM to SIGKILL at a stop; supervisord gives this program one more.
GRACE = 5.0
#: What a shell answers for a command that it can't find, or can't run.
EX_NOT_FOUND, EX_NOT_RUN = 127, 126
_STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
_WAITED_FOR = {*_STOPS, signal.SIGCHLD}


def main() -> int:
    """Run the command until it and everything it left behind have ended; returns its exit code."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_the_service_user(settings)
    text = read_text(paths.start_command)
    if not text:
        print("podkeeper: this pod was started without a command", flush=True)
        return 0
    command: list[str] = json.loads(text)
    clear_condition(paths.runtime, FAILED)
    adopt_descendants()  # so that what it leaves in the background can still write to the log, and be stopped
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    print(f"podkeeper: running the start command ({command[0]})", flush=True)
    try:
        leader = _start(command)
    except (OSError, ValueError) as error:  # ValueError: the first word is empty
        _fail(paths, command, f"can't be run: {getattr(error, 'strerror', error)}")
        return EX_NOT_FOUND if isinstance(error, FileNotFoundError) else EX_NOT_RUN
    return _watch(leader, command, paths)


def _start(command: list[str]) -> int:
    """In a session of its own and with no signal held back; nothing can be typed to it."""
    nothing = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
    return os.posix_spawnp(command[0], command, os.environ, file_actions=[nothing], setsid=True, setsigmask=())


def _watch(leader: int, command: list[str], paths: Paths) -> int:
    """Wait for every process of the command; say how its first one, the leader, ended."""
    result = 0
    while True:
        stopped = signal.sigwait(_WAITED_FOR) in _STOPS
        if stopped:
            _stop_everything()
            return 0
        for pid, code in _reap():
            if pid == leader:
                result = _tell(code, command, paths)
            elif pid == 0:  # nobody is left
                return result


def _reap() -> Iterator[tuple[int, int]]:
    """(pid, exit code, or minus the signal) of each child that has ended; at last (0, 0) if there is none left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            yield 0, 0
            return
        if not pid:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _tell(code: int, command: list[str], paths: Paths) -> int:
    """Log the end, raise the condition if it is a bad one; the exit code as a shell would give it."""
    if code == 0:
        print("podkeeper: the start command exited with code 0", flush=True)
        return 0
    _fail(paths, command, end_of_process(code, oom_kills=0).text)
    return code if code > 0 else 128 - code


def _fail(paths: Paths, command: list[str], what: str) -> None:
    condition = Condition(
        FAILED,
        f"the start command ({command[0]}) {what}",
        f"read {paths.log}/command.log, then mend the command in the pod's template; all else runs without it",
    )
    raise_condition(paths.runtime, condition)
    print(f"podkeeper: {condition}", flush=True)


def _stop_everything() -> None:
    """SIGTERM to every process of the command, SIGKILL to what is left after GRACE."""
    import psutil  # only at a stop

    for member in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            member.terminate()
    deadline = time.monotonic() + GRACE
    while (0, 0) not in _reap():
        if signal.sigtimedwait({signal.SIGCHLD}, max(0.0, deadline - time.monotonic())) is None:
            break
    while (0, 0) not in _reap():  # what forks meanwhile is found in the next round
        for member in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                member.kill()
        signal.sigtimedwait({signal.SIGCHLD}, 0.05)


if __name__ == "__main__":
    sys.exit(main())
