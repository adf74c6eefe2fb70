"""What tests with another user need."""

from __future__ import annotations

import contextlib
import site
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.file_systems import folder_for_others


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that another user can reach."""
    with folder_for_others() as folder:
        yield folder


@pytest.fixture(scope="module")
def python() -> Iterator[str]:
    """A Python that another user can run: the tests' own may be in root's home."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([sys.executable, "-I", "-c", "import json, tornado"], user=1000, group=1000, extra_groups=[],
                       env={}, capture_output=True, timeout=60, check=True)  # fmt: skip
        yield sys.executable
        return
    system = f"/usr/bin/python3.{sys.version_info.minor}"
    if not Path(system).exists():
        pytest.skip("no Python that another user can run")
    with folder_for_others() as folder:
        subprocess.run([system, "-m", "venv", "--without-pip", folder], check=True)
        packages = next(folder.glob("lib/python3*/site-packages"))
        (packages / "tests.pth").write_text("\n".join([str(ROOT), *site.getsitepackages()]))
        for name in ("etc", "share"):  # where packages tell Jupyter about their extensions
            (folder / name).symlink_to(f"{sys.prefix}/{name}")
        yield str(folder / "bin/python")
