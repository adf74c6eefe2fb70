"""A: `podkeeper models COMMAND`: the commands of entrypoint.models.

Exit codes: those of `entrypoint.models.outcome`; 64 usage, 77 not permitted, 78 the settings cannot be used.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from entrypoint.commands.program import run
from entrypoint.models import add_remove, commands, search, update
from entrypoint.models.fetch_pasted import fetch_pasted
from entrypoint.models.pasted_files import Pasted
from entrypoint.models.sources.base import is_sha256
from entrypoint.models.sources.tokens import take_logins
from entrypoint.models.state_file import another_run_reports
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.actions import control
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user

#: Programs whose command lines people paste.
_PROGRAMS = ("huggingface-cli", "hf", "wget", "curl", "git", "aria2c")


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    take_logins(paths)
    become_service_user(settings)  # the models folder is that user's: root would follow its links
    match given.verb:
        case "plan":
            return commands.plan(settings, paths, tuple(given.bundle))
        case "fetch":
            return _fetch(settings, paths, given)
        case "wait":
            return commands.wait(settings, paths, tuple(given.name), given.timeout)
        case "first" | "later":
            return _prioritise(settings, paths, tuple(given.name), first=given.verb == "first")
        case "update":
            return update.update(settings, paths, tuple(given.name), fetch=given.yes)
        case "verify":
            return commands.verify(settings, paths)
        case "add":
            return max(
                add_remove.add(settings, paths, each, given.bundle) for each in _pasted(_texts(given.url), given)
            )
        case "search":
            return search.search(settings, paths, " ".join(given.words))
        case "rm":
            return add_remove.remove(settings, paths, given.name)
        case _:
            named = tuple(getattr(given, "bundle", ()))
            return commands.list_bundles(settings, paths, named, as_json=getattr(given, "json", False))


def _prioritise(settings: Settings, paths: Paths, names: tuple[str, ...], *, first: bool) -> int:
    """Keep the order, and have the downloads that run start with it: they resume what they leave."""
    code = commands.prioritise(settings, paths, names, first=first)
    if code == 0 and another_run_reports(paths.runtime) and (problem := control(paths, "models", "restart")):
        print(f"models: it counts from the next file on: {problem}", flush=True)
    return code


def _fetch(settings: Settings, paths: Paths, given: Namespace) -> int:
    """Bundles by their names, and whatever else was pasted."""
    texts = _texts(given.what)
    bundles = tuple(each for each in texts if not set("/:.@\\ ").intersection(each) and not is_sha256(each.lower()))
    pasted = _pasted([each for each in texts if each not in bundles], given)
    if not pasted:
        return commands.fetch(settings, paths, bundles)
    code = commands.fetch(settings, paths, bundles) if bundles else 0
    return max(code, fetch_pasted(settings, paths, pasted, given.bundle))


def _texts(words: Sequence[str]) -> list[str]:
    """The words, those of a command that was pasted without quotes as one."""
    begin = next((index for index, word in enumerate(words) if word in _PROGRAMS), len(words))
    return [*words[:begin], *([" ".join(words[begin:])] if words[begin:] else [])]


def _pasted(texts: Sequence[str], given: Namespace) -> list[Pasted]:
    more = {"sha256": given.sha256, "dest": given.dest, "include": tuple(given.include), "everything": given.yes}
    return [Pasted(text=each, **more) for each in texts]


if __name__ == "__main__":
    try:
        run("models", main)
    except SystemExit as end:
        sys.stdout.flush()
        # A stopped download may have a thread that still connects, and Python would wait for it.
        os._exit(end.code if isinstance(end.code, int) else 1)
