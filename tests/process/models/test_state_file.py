"""The record of the downloads: only one of two runs at once writes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.cli import MODULES
from entrypoint.models.state_file import another_run_reports


@pytest.mark.parametrize(
    ("module", "reports"),
    [("entrypoint.models", True), (MODULES["models"][0], True), ("entrypoint.status", False)],
)
def test_another_run_is_the_one_shot_or_podkeeper_models(module: str, reports: bool, tmp_path: Path) -> None:
    """A process id alone may be another program's by now: the command line has to be that of a run."""
    command = [sys.executable, "-I", "-c", "import sys; print(flush=True); sys.stdin.read()", "-m", module, "fetch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports/models.json").write_text(json.dumps({"state": "running", "pid": process.pid}))
        assert another_run_reports(str(tmp_path)) is reports
        process.stdin.close()
