"""A: another image's packages: what was asked for is resolved anew under this image's constraints.

Nothing of the other image's archives is used: they were built for another Python, or beside other packages.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from entrypoint.conditions.condition import Condition
from entrypoint.packages.overlay import Overlay, pip_environ
from entrypoint.packages.record import Entry, installed
from entrypoint.packages.store import Store
from entrypoint.system.quiet_command import one_line, run_quietly

NAME = "PackagesOfAnotherImage"
#: Seconds for one pip: a CUDA extension may have to be built.
_LONGEST_S = 1800


def asked_elsewhere(store: Store) -> tuple[Entry, ...]:
    """What was asked for under the image that was used last on this volume; () where this image has a record."""
    if store.record() or store.adopted():
        return ()
    for key in store.other_keys():
        asked = tuple(entry for entry in installed(store.under(key).record()).values() if entry.asked)
        if asked:
            return asked
    return ()


def adopt(overlay: Overlay, store: Store, asked: Sequence[Entry]) -> Condition | None:
    """Install what was asked for: in the same versions, else in any, else each on its own; the condition names what
    cannot be had."""
    same = [f"{each.name}=={each.version}" for each in asked]
    failed: dict[str, str] = {}
    if _install(overlay, same) and _install(overlay, [each.name for each in asked]):
        for each in asked:
            if problem := _install(overlay, [each.name]):
                failed[each.name] = problem
    if not failed:
        store.mark_adopted()
        return None
    names = ", ".join(f"{name} ({why})" for name, why in failed.items())
    reason = f"this image has other packages than the one before, and these cannot be installed beside them: {names}"
    remedy = f"pip install {' '.join(failed)}, or forget them: podkeeper packages forget NAME"
    return Condition(NAME, reason, remedy)


def _install(overlay: Overlay, requirements: Sequence[str]) -> str:
    """Why pip cannot install them; ""."""
    command = [overlay.python, "-m", "pip", "install", "--quiet", "--no-input", "--", *requirements]
    try:
        ended = run_quietly(command, _LONGEST_S, pip_environ())
    except subprocess.TimeoutExpired:
        return f"pip takes longer than {_LONGEST_S // 60} min"
    if ended.code == 0:
        return ""
    errors = [line for line in ended.errors if line.startswith("ERROR:")]
    return one_line(errors[-1].removeprefix("ERROR:"), 200) if errors else f"pip exited {ended.code}"
