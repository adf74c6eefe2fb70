"""The program `outputs` alone, without a pod around it; its waits are short."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from tests.support.checkout import ROOT

#: The program, with looks every 0.1 s and files that count as complete at once; a failed batch is tried again soon.
_FAST = """
import sys
from entrypoint.outputs import backlog, worker
worker.EVERY_S, backlog.SETTLED_S, backlog._LONGEST_WAIT_S = 0.1, 0.0, 0.3
from entrypoint.outputs.__main__ import main
sys.exit(main())
"""


class Place:
    """The folders of a pod that delivers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, folder / "data/output"
        for name in ("data/output", "run/reports", "run/requests", "run/conditions", "run/secrets", "state"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.paths = Paths(
            data=f"{folder}/data", stored=f"{folder}/data", volume="", log=f"{folder}", home=f"{folder}",
            runtime=f"{folder}/run", python=sys.executable, kept_secrets=f"{folder}", models_state=f"{folder}/state",
            packages=f"{folder}",
        )  # fmt: skip

    def write(self, name: str, content: bytes) -> Path:
        """An output, in place at once."""
        path = self.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def keep(self, secrets: Mapping[str, str]) -> None:
        """The secrets, as a start keeps them."""
        for name, text in secrets.items():
            (self.folder / "run/secrets" / name).write_text(text)

    def environ(self, to: str, **more: str) -> dict[str, str]:
        settings = Settings(outputs_to=to)
        given = {name: os.environ[name] for name in ("PATH", "AWS_CA_BUNDLE") if name in os.environ}
        return given | settings.to_environ() | self.paths.to_environ() | {"PYTHONPATH": str(ROOT)} | more

    def start(self, to: str, **more: str) -> subprocess.Popen[bytes]:
        """Start the program; its output is appended to `log`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _FAST], env=self.environ(to, **more), stdout=log, stderr=log, cwd=self.folder
            )

    @contextlib.contextmanager
    def running(self, to: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """The program, which is gone at the end."""
        process = self.start(to, **more)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @property
    def log(self) -> Path:
        return self.folder / "outputs.log"

    def report(self) -> dict[str, Any]:
        """The program's report; {} where there is none."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.folder / "run/reports/outputs.json").read_text())
            return found
        return {}

    def receipts(self) -> list[dict[str, Any]]:
        """The receipts."""
        with contextlib.suppress(FileNotFoundError):
            text = (self.folder / "state/outputs/receipts.jsonl").read_text()
            return [json.loads(line) for line in text.splitlines() if line]
        return []

    def condition(self) -> dict[str, Any]:
        """The condition about outputs; {}: it does not hold."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.folder / "run/conditions/OutputsNotDelivered.json").read_text())
            return found
        return {}
