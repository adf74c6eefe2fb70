"""A: what the buttons of the Nodes card do: one command of `podkeeper nodes` at a time, in a process of its own.

pip may take minutes, so no request waits for it: `node-work.json` among the reports has what runs and how the last work
ended, and every open page shows that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import Any

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
#: How the commands end a line: the card has a button for it.
_RESTART = "; then: podkeeper restart "
_INTERRUPTED = "interrupted, because the status server ended; do it again"


class AlreadyRunning(Exception):
    """Other work runs; the message names it."""


def record_file(paths: Paths) -> str:
    """The file with the work that runs, the last outcome, and the time of the last change to the nodes."""
    return f"{paths.reports}/node-work.json"


class NodeWork:
    """The work on custom nodes: one command at a time, because pip and git lock nothing against each other."""

    def __init__(self, paths: Paths, redactor: Redactor) -> None:
        self._paths, self._redactor = paths, redactor
        self._task: asyncio.Task[None] | None = None
        self._text = ""

    def recover(self) -> None:
        """Note work as failed that a server before this one has not ended. As the services' user, who owns the file.

        That server was killed, and the plugin has killed its child (`sweep=` in supervisord.conf).
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
            # The server is being stopped, and has killed the command: pip would otherwise go on unseen, beside the
            # work that the next server starts.
            self._end(_outcome(f"{text}: {_INTERRUPTED}", True))
            raise
        except OSError as error:
            code, line = 1, str(error)
        said = self._redactor.text(line.removeprefix(f"{name}: ").partition(_RESTART)[0])
        self._end(_outcome(f"{text}: {said}", code != 0), changed=code == 0 and verb != "outdated")

    def _end(self, last: dict[str, Any], changed: bool = False) -> None:
        self._write(work=None, last=last, **({"changed": time.time()} if changed else {}))
        print(f"nodes: {last['text']}", flush=True)

    def _write(self, **fields: Any) -> None:
        """Change the record. A runtime folder that refuses it costs the page this line, not the work."""
        try:
            write_json(record_file(self._paths), read_table(record_file(self._paths)) | fields)
        except OSError as error:
            print(f"nodes: cannot write {record_file(self._paths)}: {error.strerror}", flush=True)


def command(verb: str, name: str) -> list[str]:
    """The command line. `--`: a name may begin with a dash."""
    words = [sys.executable, "-I", "-m", "entrypoint.commands.nodes", verb]
    return [*words, "--", name] if name else words


async def _output(words: list[str]) -> tuple[int, str]:
    """Run a command with this process's environment; its exit code, and the last line that it printed.

    Raises:
        OSError: It cannot be run.
    """
    process = await asyncio.create_subprocess_exec(
        *words, env=dict(os.environ), start_new_session=True,  # a group of its own, so that pip ends with it
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await asyncio.wait_for(process.communicate(), LONGEST_S)
    except TimeoutError:
        return 1, f"it takes longer than {LONGEST_S / 60:.0f} min"
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
    return {"text": text, "problem": problem}


def _shown(name: str) -> str:
    """A name in a line: a file's name may have line ends."""
    return " ".join(name.split())
