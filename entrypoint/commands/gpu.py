"""A: `podkeeper gpu`: the last check of the GPUs, or (`--again`) a new one, as the services' user.

Exit codes: those of `entrypoint.gpu.findings`; 64 usage, 77 not permitted, 78 the settings cannot be used.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from entrypoint.comfyui.installation import present
from entrypoint.commands.program import run
from entrypoint.conditions.condition import CannotDo
from entrypoint.gpu.findings import EXIT_CODES, as_text, exit_code
from entrypoint.gpu.preflight import check, read_report
from entrypoint.gpu.verdicts import last_launch
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user

EX_NOPERM = 77


def main(given: Namespace) -> int:
    """Print the report; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)  # a check runs ComfyUI's Python
    if given.again:
        print("podkeeper: checking the GPU; this takes up to a minute", file=sys.stderr, flush=True)
        try:
            report = check(settings, paths, python_of(settings, paths), again=True)
        except CannotDo as error:
            print(f"podkeeper: {error.condition.reason}; {error.condition.remedy}", file=sys.stderr)
            return EXIT_CODES["skipped"]
        except OSError as error:
            print(f"podkeeper: cannot write the report: {error}; run it as the services' user", file=sys.stderr)
            return EX_NOPERM
    else:
        report = read_report(paths)
    if not report:
        print("podkeeper: the GPU was not checked yet; check it now: podkeeper gpu --again", file=sys.stderr)
        return EXIT_CODES["skipped"]
    print(json.dumps(report, indent=2) if given.json else as_text(report), end="\n" if given.json else "")
    return exit_code(report)


def python_of(settings: Settings, paths: Paths) -> str:
    """The Python of ComfyUI's last launch, else the installed one. Raises CannotDo: there is none."""
    return last_launch(paths)[0] or present(settings).python


if __name__ == "__main__":
    run("gpu", main)
