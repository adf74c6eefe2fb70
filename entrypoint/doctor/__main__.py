"""A: `python -I -m entrypoint.doctor [--json]`: every check, a verdict each, the cause first.

Exit codes: 0 nothing failed (there may be warnings), 1 something failed, 64 usage, 78 settings that no pod has.
"""

from __future__ import annotations

import os
import shutil
import sys

from entrypoint.attach import attach
from entrypoint.doctor.checks import CHECKS
from entrypoint.doctor.examine import examine
from entrypoint.doctor.verdict import as_json, as_text, exit_code
from entrypoint.settings import BadSettings

USAGE = "usage: podkeeper doctor [--json]"
EX_USAGE, EX_CONFIG = 64, 78


def main(arguments: list[str]) -> int:
    """Look, tell, and return the exit code."""
    if arguments not in ([], ["--json"]):
        print(USAGE, file=sys.stderr)
        return EX_USAGE
    try:
        pod = attach(os.environ)
    except BadSettings as error:
        print("\n".join(f"podkeeper: {problem}" for problem in error.problems), file=sys.stderr)
        return EX_CONFIG
    verdicts = examine(pod, CHECKS)
    if arguments:
        print(as_json(verdicts))
    else:
        print(as_text(verdicts, shutil.get_terminal_size().columns), end="")
    return exit_code(verdicts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
