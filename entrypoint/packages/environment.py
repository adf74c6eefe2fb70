"""A: the packages of one start of ComfyUI: makes or restores the overlay, and takes packages back that end ComfyUI."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from dataclasses import replace
from typing import NamedTuple

from entrypoint.conditions.condition import Condition
from entrypoint.packages import snapshot, starts
from entrypoint.packages.distributions import added, key_of
from entrypoint.packages.local_state import fingerprint, is_interrupted, listing, read_state, write_state
from entrypoint.packages.overlay import Overlay, installer_runs
from entrypoint.packages.record import Record, difference, installed, set_id, updated
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_list, read_table, write_json


class Prepared(NamedTuple):
    """What a start of ComfyUI uses.

    Attributes:
        python: The interpreter: the overlay's, or the image's where there can be no overlay.
        environ: More variables for it.
        conditions: What could not be restored, or was taken back.
        fingerprint: Names the packages that are installed above the image's.
    """

    python: str
    environ: dict[str, str]
    conditions: list[Condition]
    fingerprint: str = ""

    @property
    def rolled_back(self) -> bool:
        """Whether packages were taken back just now."""
        return any(condition.name == "PackagesRolledBack" for condition in self.conditions)


def overlay_of(settings: Settings, paths: Paths, python: str) -> Overlay:
    """The overlay above the environment of `python`."""
    return Overlay(f"{paths.packages}/env", os.path.dirname(os.path.dirname(python)), settings.packages_held)


def store_of(settings: Settings, paths: Paths, overlay: Overlay) -> Store:
    """The store on the volume. This pod's name in it is RunPod's id, else the container's random host name."""
    pod = settings.pod_id or hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:12]
    return Store(f"{paths.models_state}/packages", key_of(overlay.ground), pod)


def variables(overlay: Overlay) -> dict[str, str]:
    """What a process needs so that pip and uv install into the overlay, under its constraints.

    pip compiles what it installs, uv only when UV_COMPILE_BYTECODE asks for it. An archive is never written again, so
    each new container would compile at its first start: 160 packages, 20 s in place of 12 s (4515 modules).
    """
    return {"UV_CONSTRAINT": overlay.constraints, "VIRTUAL_ENV": overlay.folder, "UV_COMPILE_BYTECODE": "1"}


def prepare(settings: Settings, paths: Paths, python: str) -> Prepared:
    """Make the overlay ready for a start of ComfyUI; call it as the services' user."""
    overlay = overlay_of(settings, paths, python)
    try:
        with locked(overlay):
            conditions = _prepare_locked(settings, paths, overlay)
        now = fingerprint(overlay)
    except OSError as error:
        reason = (
            f"{error.filename or paths.packages}: {error.strerror}, so ComfyUI runs with the image's packages alone"
        )
        remedy = "free space on the container's disk or make it writable, then: podkeeper restart comfyui"
        return Prepared(python, {}, [Condition("PackagesNotRestored", reason, remedy)])
    return Prepared(overlay.python, variables(overlay), conditions, now)


def _prepare_locked(settings: Settings, paths: Paths, overlay: Overlay) -> list[Condition]:
    store = store_of(settings, paths, overlay)
    if not overlay.is_current(store.key):
        return _restore(overlay, store)
    if is_interrupted(overlay) and not installer_runs(overlay):
        print("packages: an installation was interrupted; the packages that are whole are restored", flush=True)
        # had: what is missing now was being replaced, not removed.
        found = snapshot.take(overlay, store, store.record(), had=())
        with contextlib.suppress(OSError):  # a volume that refuses it is the keeper's to report
            store.write_record(found.record)
        return _restore(overlay, store, found.record)
    now = fingerprint(overlay)
    dead = dead_starts(paths, now)
    here = added(overlay.site)
    if dead >= starts.MOST_DEAD and here and read_state(overlay).good != now:
        return roll_back(overlay, store, f"ComfyUI ended {dead} times before it responded")
    # Another pod's packages, and those that could not be restored, come with a start, if all that is here is kept.
    if read_state(overlay).kept == now and installed(store.record()).keys() - here.keys():
        return _restore(overlay, store)
    return []


def _restore(overlay: Overlay, store: Store, record: Record | None = None) -> list[Condition]:
    record, good = store.record() if record is None else record, store.good()
    failed = restore(overlay, store, record)
    now = fingerprint(overlay)
    is_the_good = not failed and store.has_good() and set_id(record) == set_id(good)
    write_state(overlay, had=tuple(added(overlay.site)), kept=now, good=now if is_the_good else "",
                listing=listing(overlay))  # fmt: skip
    return [_not_restored(failed)] if failed else []


def roll_back(overlay: Overlay, store: Store, why: str, found: Record | None = None) -> list[Condition]:
    """Replace the overlay by an earlier set; hold the lock.

    Args:
        overlay: The overlay.
        store: Where the sets are kept.
        why: The beginning of the condition's reason.
        found: The record with what was installed just now and broke: what was kept before it comes back. None: what is
            kept breaks ComfyUI, so the last set with which it has responded comes back, or the image's packages alone.
    """
    before = store.record()
    broken, target = (before, store.good()) if found is None else (found, before)
    had = tuple(added(overlay.site))
    failed = restore(overlay, store, target)
    now, clock = fingerprint(overlay), time.time()
    entries = {name: replace(entry, at=clock) for name, entry in installed(target).items()}
    store.write_record(updated(broken, entries, had, clock))
    is_good = not failed and set_id(target) == set_id(store.good())
    write_state(overlay, had=tuple(added(overlay.site)), kept=now, tried=now, good=now if is_good else "",
                listing=listing(overlay))  # fmt: skip
    reason = f"{why}, so these changes are taken back: {difference(target, broken) or 'none that is known'}"
    remedy = "install a version that fits ComfyUI; see: podkeeper packages list"
    conditions = [Condition("PackagesRolledBack", reason, remedy)]
    return [*conditions, _not_restored(failed)] if failed else conditions


def _not_restored(failed: dict[str, str]) -> Condition:
    names = ", ".join(f"{name} ({why})" for name, why in sorted(failed.items()))
    remedy = f"install them again: pip install {' '.join(sorted(failed))}"
    return Condition("PackagesNotRestored", f"cannot restore from the volume: {names}", remedy)


def dead_starts(paths: Paths, packages: str | None = None, since: float = 0.0) -> int:
    """How many of ComfyUI's last starts ended before it responded (see `starts.dead_in_a_row`)."""
    restarts = read_list(f"{paths.runtime}/restarts.json", "restarts")
    return starts.dead_in_a_row(_history(paths), restarts, packages, since)


def note_start(paths: Paths, packages: str) -> None:
    """Note that ComfyUI is about to start with these packages."""
    _write_history(paths, (*_history(paths), starts.Start(time.time(), packages)))


def is_starting(paths: Paths) -> bool:
    """Whether ComfyUI's last start has not responded yet, as far as is noted."""
    history = _history(paths)
    return bool(history) and not history[-1].served


def has_served(paths: Paths, since: float = 0.0) -> bool:
    """Whether ComfyUI responded at its last start, if that was after `since` (seconds since 1970)."""
    history = _history(paths)
    return bool(history) and history[-1].served and history[-1].at >= since


def note_served(paths: Paths) -> None:
    """Note that ComfyUI's last start has responded."""
    _write_history(paths, starts.served(_history(paths)))


def _history(paths: Paths) -> tuple[starts.Start, ...]:
    return starts.parse(read_table(_starts_file(paths)))


def _write_history(paths: Paths, history: tuple[starts.Start, ...]) -> None:
    write_json(_starts_file(paths), starts.content_of(history))


def _starts_file(paths: Paths) -> str:
    return f"{paths.reports}/comfyui-starts.json"
