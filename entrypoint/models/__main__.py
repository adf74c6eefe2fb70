"""A: `python -I -m entrypoint.models [VERB ...]`: the models commands; without a verb, the one-shot of supervisord.

Exit codes: those of `worker`; 64: not a command; 77: not permitted; 78: the settings can't be used.
"""

from __future__ import annotations

import os
import sys

from entrypoint.models.outcome import EX_CONFIG, EX_USAGE
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import BadSettings, Settings

USAGE = """usage: podkeeper models list              all bundles, and how many of their files are installed
       podkeeper models plan [BUNDLE...]   what would be fetched
       podkeeper models fetch [BUNDLE...]  fetch what is wanted, or these bundles alone
       podkeeper models verify             hash the installed files again
       podkeeper models add URL [--dest FOLDER/[NAME]] [--sha256 HEX] [--bundle NAME]
                                           add a file to models.toml on the volume
       podkeeper models rm FILE|BUNDLE     remove fetched files, and print what that frees
"""


def main(arguments: list[str]) -> int:
    """Run the command; returns the exit code."""
    try:
        settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        print("\n".join(error.problems), flush=True)
        return EX_CONFIG
    if not arguments:
        from entrypoint.models.worker import run

        return run(settings, paths)
    code = _command(settings, paths, arguments[0], arguments[1:])
    if code is None:
        print(USAGE, end="", file=sys.stderr)
        return EX_USAGE
    return code


def _command(settings: Settings, paths: Paths, verb: str, rest: list[str]) -> int | None:
    """Run one verb; None: the arguments are not its own."""
    from entrypoint.models import add_remove, commands  # the downloads' imports: not before the services are up

    if verb == "add":
        given = _add_arguments(rest)
        return add_remove.add(settings, paths, **given) if given else None
    if any(word.startswith("-") for word in rest):
        return None
    if verb in ("list", "verify") and not rest:
        return {"list": commands.list_bundles, "verify": commands.verify}[verb](settings, paths)
    if verb in ("plan", "fetch"):
        return {"plan": commands.plan, "fetch": commands.fetch}[verb](settings, paths, tuple(rest))
    return add_remove.remove(settings, paths, rest[0]) if verb == "rm" and len(rest) == 1 else None


def _add_arguments(words: list[str]) -> dict[str, str] | None:
    import argparse  # for this verb alone

    from entrypoint.models.catalogue.manifest import is_bundle_name

    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("url")
    for name, default in (("dest", ""), ("sha256", ""), ("bundle", "MINE")):
        parser.add_argument(f"--{name}", default=default)
    try:
        given, rest = parser.parse_known_args(words)
    except (argparse.ArgumentError, SystemExit):
        return None
    return None if rest or not is_bundle_name(given.bundle) else vars(given)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a stopped fetch may have a thread that still connects; Python would wait for it
