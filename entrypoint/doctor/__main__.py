"""A: `python -I -m entrypoint.doctor [--json] [--bundle FILE.tar.gz]`: every check, the cause of trouble first.

Exit codes: 0 nothing failed (there may be warnings), 1 something failed, 64 usage, 73 the bundle can't be written,
78 settings that no pod has.
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.doctor.checks import CHECKS
from entrypoint.doctor.examine import examine
from entrypoint.doctor.finding import as_json, as_text, exit_code
from entrypoint.settings.settings import BadSettings
from entrypoint.system.attach import attach

EX_CANTCREAT, EX_CONFIG = 73, 78


def main(given: Namespace) -> int:
    """Run the checks and print the report; returns the exit code."""
    try:
        pod = attach(os.environ)
    except BadSettings as error:
        print("\n".join(f"podkeeper: {problem}" for problem in error.problems), file=sys.stderr)
        return EX_CONFIG
    bundle = None
    if given.bundle:
        from entrypoint.doctor.support_bundle import Bundle

        try:
            bundle = Bundle(pod, given.bundle)  # before the checks, which end this process's privileges
        except OSError as error:
            return _cannot_write(given.bundle, error)
    verdicts = examine(pod, CHECKS)
    if given.json:
        print(as_json(verdicts))
    else:
        print(as_text(verdicts, shutil.get_terminal_size().columns), end="")
    if bundle:
        try:
            bundle.save(verdicts)
        except OSError as error:
            return _cannot_write(given.bundle, error)
        print(f"podkeeper: the bundle is {given.bundle}; secrets are taken out of it", file=sys.stderr)
    return exit_code(verdicts)


def _cannot_write(path: str, error: OSError) -> int:
    print(f"podkeeper: cannot write {path}: {error.strerror}; choose another file", file=sys.stderr)
    return EX_CANTCREAT


if __name__ == "__main__":
    run("doctor", main)
