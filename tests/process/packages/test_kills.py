"""kill -9 while pip installs: the next start has whole packages, whatever the moment was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrypoint.packages.environment import prepare
from entrypoint.packages.keeper import Keeper
from entrypoint.packages.local_state import fingerprint, is_interrupted
from entrypoint.packages.overlay import Overlay, pip_environ
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.package_environment import install, make_environment, run_python, write_wheel

MOMENTS = 20
MODULES = 60


@pytest.fixture
def pod(tmp_path: Path) -> tuple[Settings, Paths, str]:
    settings = Settings(home=str(tmp_path / "pod"))
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=sys.executable)
    environment = make_environment(tmp_path / "image")
    return settings, locate(settings, facts), str(environment / "bin/python")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Two versions of a package that ComfyUI needs, and of one beside it; each needs all its modules."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    code = "\n".join(f"from . import m{number}" for number in range(MODULES))
    for name in ("pydantic", "other"):
        for version in ("2.13.0", "2.14.0"):
            modules = {f"{name}/m{number}.py": f"VERSION = {version!r}\n" * 200 for number in range(MODULES)}
            write_wheel(folder, name, version, code, files=modules)
    return folder


@pytest.mark.parametrize("keeper_looks", [True, False])
def test_a_package_that_was_being_replaced_comes_back(
    pod: tuple[Settings, Paths, str], wheels: Path, keeper_looks: bool
) -> None:
    """pip has moved the old version away, and was killed before the new one was there."""
    settings, paths, python = pod
    prepare(settings, paths, python)
    overlay = Overlay.found(f"{paths.packages}/env")
    assert overlay
    assert install(overlay.python, wheels, "other==2.13.0").returncode == 0
    Keeper(settings, paths, overlay).keep(fingerprint(overlay))
    site = Path(overlay.site)
    for name in ("other", "other-2.13.0.dist-info"):
        (site / name).rename(site / f"~{name[1:]}")
    if keeper_looks:  # before the next start
        Keeper(settings, paths, overlay).keep(fingerprint(overlay))
    assert prepare(settings, paths, python).conditions == []
    assert run_python(overlay.python, "import other; print(other.__version__)") == "2.13.0"
    assert not list(site.glob("~*"))


def test_a_kill_at_any_moment_of_an_installation_leaves_whole_packages(
    pod: tuple[Settings, Paths, str], wheels: Path
) -> None:
    settings, paths, python = pod
    assert prepare(settings, paths, python).conditions == []
    overlay = Overlay.found(f"{paths.packages}/env")
    assert overlay
    pip = [overlay.python, "-m", "pip", "install", "-q", "--no-index", "--find-links", str(wheels)]
    began = time.monotonic()
    subprocess.run([*pip, "pydantic==2.14.0", "other==2.14.0"], env=pip_environ(), check=True)
    whole = time.monotonic() - began
    Keeper(settings, paths, overlay).keep(fingerprint(overlay))
    interrupted = 0
    for moment in range(MOMENTS):
        version = ("2.13.0", "2.14.0")[moment % 2]
        with subprocess.Popen([*pip, f"pydantic=={version}", f"other=={version}"], env=pip_environ()) as process:
            time.sleep(whole * (0.3 + 0.7 * moment / MOMENTS))  # the moment of the kill is what is varied
            process.send_signal(signal.SIGKILL)
        interrupted += is_interrupted(overlay)
        assert prepare(settings, paths, python).conditions == []
        assert not is_interrupted(overlay)
        for name in ("pydantic", "other"):  # the one or the other version, whole
            code = f"import {name}; print({name}.__version__, {name}.m{MODULES - 1}.VERSION)"
            assert run_python(overlay.python, code) in ("2.13.0 2.13.0", "2.14.0 2.14.0")
    print(f"{interrupted} of {MOMENTS} kills left half a package")
    assert interrupted
