"""scripts/install_packages without root says in one line what is missing, and with everything installed nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.file_systems import let_others_through, needs_root

SCRIPT = "scripts/install_packages"


@needs_root
def test_without_root_one_line_says_what_is_missing_and_how_to_install_it(tmp_path: Path) -> None:
    let_others_through(tmp_path)
    script = shutil.copy(ROOT / SCRIPT, tmp_path)
    command = [
        "setpriv",
        "--reuid",
        "54321",
        "--regid",
        "54321",
        "--clear-groups",
        script,
        "pod",
        "no login",
        "coreutils",
    ]
    command.append("no-such-package")
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    line = "pod: missing: no-such-package (no login); install with: sudo apt-get install no-such-package\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", line)


def test_nothing_is_said_where_everything_is_installed() -> None:
    ended = subprocess.run([SCRIPT, "pod", "why", "coreutils"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
