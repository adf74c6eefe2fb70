"""A: `python -I -m entrypoint.doctor [--json] [--bundle FILE.tar.gz]`: every check, the cause of trouble first.

Exit codes: 0 nothing failed (there may be warnings), 1 something failed, 64 usage, 73 the bundle can't be written,
78 settings that no pod has.
"""

from __future__ import annotations

import os
import shutil
import sys

from entrypoint.doctor.checks import CHECKS
from entrypoint.doctor.examine import examine
from entrypoint.doctor.finding import as_json, as_text, exit_code
from entrypoint.settings.settings import BadSettings
from entrypoint.system.attach import attach

USAGE = "usage: podkeeper doctor [--json] [--bundle FILE.tar.gz]"
EX_USAGE, EX_CANTCREAT, EX_CONFIG = 64, 73, 78


def main(arguments: list[str]) -> int:
    """Look, tell, and return the exit code."""
    try:
        json_wanted, bundle = _parse(arguments)
    except ValueError:
        print(USAGE, file=sys.stderr)
        return EX_USAGE
    try:
        pod = attach(os.environ)
    except BadSettings as error:
        print("\n".join(f"podkeeper: {problem}" for problem in error.problems), file=sys.stderr)
        return EX_CONFIG
    verdicts = examine(pod, CHECKS)
    if json_wanted:
        print(as_json(verdicts))
    else:
        print(as_text(verdicts, shutil.get_terminal_size().columns), end="")
    if bundle:
        from entrypoint.doctor.support_bundle import save_bundle

        try:
            save_bundle(pod, verdicts, bundle)
        except OSError as error:
            print(f"podkeeper: cannot write {bundle}: {error.strerror}; choose another file", file=sys.stderr)
            return EX_CANTCREAT
        print(f"podkeeper: the bundle is {bundle}; secrets are taken out of it", file=sys.stderr)
    return exit_code(verdicts)


def _parse(arguments: list[str]) -> tuple[bool, str]:
    """(as JSON?, where the bundle goes or ""); ValueError for anything else."""
    rest = list(arguments)
    bundle = ""
    if "--bundle" in rest:
        place = rest.index("--bundle")
        bundle = rest[place + 1] if place + 1 < len(rest) else ""
        if not bundle or bundle.startswith("-"):
            raise ValueError
        del rest[place : place + 2]
    if rest not in ([], ["--json"]):
        raise ValueError
    return bool(rest), bundle


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
