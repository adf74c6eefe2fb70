"""A: runs a command that asks and prints nothing; its standard error explains a failure."""

from __future__ import annotations

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


def run_quietly(command: Sequence[str], timeout_s: float, environ: Mapping[str, str] | None = None) -> Ended:
    """Run a command, without input and output; `environ` None: with this process's environment.

    Raises:
        OSError: It cannot be run.
        subprocess.TimeoutExpired: It took longer, and is killed.
    """
    ended = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        timeout=timeout_s, check=False,
    )  # fmt: skip
    lines = ended.stderr.decode(errors="replace").splitlines()
    return Ended(ended.returncode, [line for line in lines if line.strip()])


def one_line(text: str, longest: int = 300) -> str:
    """A text for a message: without line ends and repeated blanks, cut."""
    return " ".join(text.split())[:longest]
