"""A probe that hangs or prints anything ends in time, and what it has found until then is kept."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from entrypoint.gpu.run_probe import ATTENTION_PROBE, PROBE, run_probe
from tests.support.gpu_host import install_sage, make_python, set_mode


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    make_python(tmp_path / "env")
    return tmp_path / "env"


def test_a_probe_that_hangs_is_killed_at_its_deadline(environment: Path) -> None:
    set_mode(environment, fails="hang")
    began = time.monotonic()
    probed = run_probe(str(environment / "bin/python"), PROBE, 2)
    assert 2 <= time.monotonic() - began < 10
    assert probed.ended == "did not end within 2 s in the step 'GPU 0 product'"
    assert probed.found["devices"][0]["name"] == "NVIDIA GeForce RTX 4090"
    assert psutil.Process().children(recursive=True) == []


def test_what_a_hanging_kernel_has_started_is_killed_with_it(environment: Path) -> None:
    install_sage(environment, "def sageattn(*_, **__):\n import subprocess\n subprocess.run(['sleep', '600'])\n")
    probed = run_probe(str(environment / "bin/python"), ATTENTION_PROBE, 2)
    assert probed.ended == "did not end within 2 s in the step 'Wan: sage'"
    assert psutil.Process().children(recursive=True) == []


def test_lines_that_a_sitecustomize_prints_are_no_result(environment: Path) -> None:
    noise = "import atexit\natexit.register(lambda: print('{\"bye\": 1}\\n{not json'))\n"
    (next((environment / "lib").iterdir()) / "site-packages/sitecustomize.py").write_text(noise)
    probed = run_probe(str(environment / "bin/python"), PROBE, 30)
    assert (probed.ended, probed.found["step"]) == ("", "done")


@pytest.mark.parametrize(
    ("code", "ended"),
    [("import os; os._exit(3)", "ended with exit code 3 in the step 'torch'"),
     ("import ctypes; ctypes.string_at(0)", "was ended by SIGSEGV in the step 'torch'")],
)  # fmt: skip
def test_an_import_that_ends_the_process_is_the_result(code: str, ended: str, environment: Path) -> None:
    (next((environment / "lib").iterdir()) / "site-packages/torch/__init__.py").write_text(code)
    assert run_probe(str(environment / "bin/python"), PROBE, 30).ended == ended


def test_a_python_that_is_missing_is_the_result() -> None:
    assert run_probe("/nowhere/python", PROBE, 30) == ({}, "cannot run /nowhere/python: No such file or directory")
