"""A: the work of the Nodes card's buttons: one command of `podkeeper nodes` at a time, in a child process.

pip may take minutes, so no request waits for it. `node-work.json` among the reports has the work that runs and the last
outcome, and every open page shows both.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import Any

from entrypoint.nodes.needs import RESTART
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, write_json
from entrypoint.system.redaction import Redactor

#: Command of `podkeeper nodes` -> the work in words.
VERBS = {
    "repair": "repairing {}",
    "try": "trying {} again",
    "update": "updating {}",
    "outdated": "checking for updates",
}
#: Seconds for all that a command does; each of its own steps has a limit below this.
LONGEST_S = 3600.0
#: The end of a line about work that a restart of ComfyUI puts to use: the card has a button for it.
_RESTART = f"; {RESTART}"
_INTERRUPTED = "interrupted, because the status server ended; do it again"


class AlreadyRunning(Exception):
    """Other work runs. The message names that work."""


def record_file(paths: Paths) -> str:
    """The file with the work that runs, the last outcome, and the time of the last change to the nodes."""
    return f"{paths.reports}/node-work.json"


class NodeWork:
    """The work on custom nodes: one command at a time, because two runs of pip in one environment break each other."""

    def __init__(self, paths: Paths, redactor: Redactor) -> None:
        self._paths, self._redactor = paths, redactor
        self._task: asyncio.Task[None] | None = None
        self._text = ""

    def recover(self) -> None:
        """Record the work of a server that was killed as interrupted; call this as the services' user.

        The plugin has killed that server's child (`sweep=` in supervisord.conf).
        """
        work = read_table(record_file(self._paths)).get("work")
        if isinstance(work, dict):
            self._write(work=None, last=_outcome(f"{work.get('text')}: {_INTERRUPTED}", True))

    def start(self, verb: str, name: str = "") -> None:
        """Start a command and return at once. Raises AlreadyRunning."""
        if self._task is not None and not self._task.done():
            raise AlreadyRunning(f"{self._text} is not finished")
        self._text = VERBS[verb].format(_shown(name))
        self._write(work={"text": self._text, "since": time.time()})
        self._task = asyncio.ensure_future(self._run(verb, name, self._text))

    async def _run(self, verb: str, name: str, text: str) -> None:
        try:
            code, line = await _output(command(verb, name))
        except asyncio.CancelledError:
            # The server stops, and has killed the command: pip would run on beside the next server's work.
            self._end(_outcome(f"{text}: {_INTERRUPTED}", True))
            raise
        except OSError as error:
            code, line = 1, str(error)
        said, restart, _ = line.removeprefix(f"{name}: ").partition(_RESTART)
        self._end(_outcome(f"{text}: {self._redactor.text(said)}", code != 0), changed=code == 0 and restart != "")

    def _end(self, last: dict[str, Any], changed: bool = False) -> None:
        self._write(work=None, last=last, **({"changed": time.time()} if changed else {}))
        print(f"nodes: {last['text']}", flush=True)

    def _write(self, **fields: Any) -> None:
        """Change these fields of the record. The work goes on where the runtime folder cannot be written."""
        try:
            write_json(record_file(self._paths), read_table(record_file(self._paths)) | fields)
        except OSError as error:
            print(f"nodes: cannot write {record_file(self._paths)}: {error.strerror}", flush=True)


def command(verb: str, name: str) -> list[str]:
    """The command line; `--` because a name may begin with a dash."""
    words = [sys.executable, "-I", "-m", "entrypoint.commands.nodes", verb]
    return [*words, "--", name] if name else words


async def _output(words: list[str]) -> tuple[int, str]:
    """Run a command in this process's environment; returns its exit code and the last line that it printed.

    Raises:
        OSError: The command cannot be run.
    """
    process = await asyncio.create_subprocess_exec(
        *words, env=dict(os.environ), start_new_session=True,  # its own process group, so that pip is killed with it
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await asyncio.wait_for(process.communicate(), LONGEST_S)
    except TimeoutError:
        return 1, f"killed after {LONGEST_S / 60:.0f} min"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    code = process.returncode or 0
    # A check for updates that reaches some sources only exits with 0, and may have printed nothing but why.
    first, second = (errors, output) if code else (output, errors)
    text = (first.strip() or second).decode(errors="replace").strip()
    return code, text.splitlines()[-1].removeprefix("podkeeper: ") if text else f"exit {code}"


def _outcome(text: str, problem: bool) -> dict[str, Any]:
    return {"text": text, "problem": problem, "at": time.time()}


def _shown(name: str) -> str:
    """A name in one line: a file name may have line ends."""
    return " ".join(name.split())
