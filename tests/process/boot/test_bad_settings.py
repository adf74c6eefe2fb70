"""The real entrypoint with an environment it can't use: one line a problem, exit 78, nothing written."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests.support.bad_environments import BAD_ENVIRONMENTS


def start(environ: dict[str, str], home: pathlib.Path) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "PODKEEPER_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-I", "-m", "entrypoint"],
        env=base | environ,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(("environ", "message"), BAD_ENVIRONMENTS)
def test_bad_settings_are_refused_in_one_line_and_nothing_is_written(
    environ: dict[str, str], message: str, tmp_path: pathlib.Path
) -> None:
    ended = start(environ, tmp_path / "pod")
    assert ended.returncode == 78
    assert f"podkeeper: {message}" in ended.stderr.splitlines()
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pod").write_text("a file is in the way")
    ended = start({}, tmp_path / "pod")
    assert ended.returncode == 73
    assert ended.stderr == f"podkeeper: cannot make the pod's own folders: {tmp_path}/pod: Not a directory\n" or (
        ended.stderr.count("\n") == 1 and "Not a directory" in ended.stderr
    )
