"""A: runs a command that asks and prints nothing; its standard error explains a failure."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        code: The exit code; negative: the signal.
        errors: The lines of its standard error that are not blank.
    """

    code: int
    errors: list[str]

    @property
    def last_error(self) -> str:
        """The last line, or the exit code where there is none."""
        return one_line(self.errors[-1] if self.errors else f"exit {self.code}")


def run_quietly(
    command: Sequence[str], timeout_s: float, environ: Mapping[str, str] | None = None, folder: str | None = None
) -> Ended:
    """Run a command, without input and output; `environ` None: with this process's environment, `folder` None: in its
    folder.

    Raises:
        OSError: It cannot be run.
        subprocess.TimeoutExpired: It took longer, and is killed with all that it has started.
    """
    with subprocess.Popen(
        command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            _, errors = process.communicate(timeout=timeout_s)
        except BaseException:
            kill_tree(process.pid)
            raise
    lines = errors.decode(errors="replace").splitlines()
    return Ended(process.returncode, [line for line in lines if line.strip()])


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants. They stay in this process's group, which supervisord stops as a whole."""
    import psutil  # where something has gone wrong alone

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.Error):
                each.kill()


def one_line(text: str, longest: int = 300) -> str:
    """A text for a message: without line ends and repeated blanks, cut."""
    return " ".join(text.split())[:longest]
