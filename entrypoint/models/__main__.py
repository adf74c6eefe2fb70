"""A: `python -I -m entrypoint.models [VERB ...]`: the models commands; without a word, the one-shot of supervisord.

Exit codes: those of `background`; 64: not a command; 77: not yours to do; 78: the settings can't be used.
"""

from __future__ import annotations

import os
import sys

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import BadSettings, Settings

USAGE = """usage: podkeeper models list              what there is, and what of it is here
       podkeeper models plan [BUNDLE...]   what would be fetched
       podkeeper models fetch [BUNDLE...]  fetch it, or these bundles alone
       podkeeper models verify             hash what is here again
       podkeeper models add URL [--dest FOLDER/[NAME]] [--sha256 HEX] [--bundle NAME]
                                           put a file into models.toml on the volume
       podkeeper models rm FILE|BUNDLE     remove what was fetched, say what it frees
"""
EX_USAGE, EX_NOPERM, EX_CONFIG = 64, 77, 78


def main(arguments: list[str]) -> int:
    """Do what is asked; returns the exit code."""
    try:
        settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        print("\n".join(error.problems), flush=True)
        return EX_CONFIG
    if not arguments:
        from entrypoint.models.worker import run

        return run(settings, paths)
    from entrypoint.models.verbs import VERBS  # the fetcher's imports: not before the services are up

    if arguments[0] in VERBS and arguments[0] != "add" and not _may_look(paths):
        return EX_NOPERM
    verb = VERBS.get(arguments[0])
    code = verb(settings, paths, arguments[1:]) if verb else None
    if code is None:
        print(USAGE, end="", file=sys.stderr)
        return EX_USAGE
    return code


def _may_look(paths: Paths) -> bool:
    """Under RUN_AS a terminal is the services' user's; logins, receipts and what is staged are the pod's own.

    ComfyUI's nodes run as the same user: what a terminal could read, they could.
    """
    kept = paths.kept_secrets
    if not os.path.lexists(kept) or os.access(kept, os.R_OK | os.W_OK | os.X_OK):
        return True
    print(
        f"models: {kept} is the pod's own and you are uid {os.geteuid()} (RUN_AS, PUID): set DOWNLOAD_<BUNDLE>=true, "
        "ask on the status page, or use a shell of the pod's own user (docker exec, ssh)",
        flush=True,
    )
    return False


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a stopped fetch may have a thread that still connects; Python would wait for it
