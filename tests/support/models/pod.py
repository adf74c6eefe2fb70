"""The model downloads as supervisord and a terminal run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.models.origin import Origin

MIB = 1 << 20


class Pod:
    """A local home with a manifest of its own."""

    def __init__(self, root: Path, origin: Origin, *names: str) -> None:
        self.origin, self.root = origin, root
        facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=sys.executable)
        self.settings = Settings(home=str(root), hf_endpoint=origin.hub_url)
        self.paths: Paths = locate(self.settings, facts)
        for folder in (self.paths.reports, self.paths.data, self.paths.log):
            Path(folder).mkdir(parents=True, exist_ok=True)
        self.manifest("schema = 1\n[bundles.B]\nsize_gb = 0.001\n", *names)

    def manifest(self, head: str, *names: str) -> None:
        files = [
            f'[[files]]\nbundle = "B"\nsource = "huggingface"\nrepo_id = "o/r"\n'
            f'path = "{name}"\ndest = "loras/{name}"\n'
            for name in names
        ]
        Path(self.paths.data, "models.toml").write_text(head + "\n".join(files))

    def start(self, *verb: str, terminal: int | None = None, **environ: str) -> subprocess.Popen[str]:
        kept = {"PATH": os.environ["PATH"]} | self.settings.to_environ() | self.paths.to_environ() | environ
        module = "entrypoint.commands.models" if verb else "entrypoint.models"
        command = [sys.executable, "-I", "-m", module, *verb]
        process = subprocess.Popen(
            command,
            env=kept,
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started_processes.append(process)
        return process

    def run(self, *verb: str, **environ: str) -> tuple[int, str]:
        process = self.start(*verb, terminal=None, **environ)
        text, _ = process.communicate(timeout=120)
        assert "Traceback" not in text, text
        return process.returncode, text

    def installed(self, name: str) -> Path:
        return Path(self.paths.data, "models/loras", name)

    @property
    def status(self) -> dict[str, object]:
        return dict(json.loads(Path(self.paths.reports, "models.json").read_text()))


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What it says up to the line with `words`; that it ends without them is a failure."""
    assert process.stdout is not None
    seen = ""
    while words not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    return seen


started_processes: list[subprocess.Popen[str]] = []
