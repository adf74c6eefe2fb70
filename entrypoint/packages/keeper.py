"""A: keeps packages while the pod runs.

It looks once a second whether something was installed, waits until pip and uv are done, keeps the new packages on the
volume, and tries whether ComfyUI's own imports still work: if not, it takes them back before ComfyUI has to.
"""

from __future__ import annotations

import contextlib
import os
import time

from entrypoint.conditions.condition import Condition
from entrypoint.packages import environment, snapshot
from entrypoint.packages.adopt import NAME as ADOPTION
from entrypoint.packages.adopt import adopt, asked_elsewhere
from entrypoint.packages.distributions import added, site_packages
from entrypoint.packages.local_state import fingerprint, is_interrupted, listing, read_state, strays, write_state
from entrypoint.packages.overlay import Overlay, installer_runs
from entrypoint.packages.restore import locked, run_trial
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition

#: Seconds without a change after which an installation counts as done.
QUIET_S = 2.0
#: Seconds for the trial import; on the first use torch alone can take 30 from a slow disk.
TRIAL_S = 180.0
#: What ComfyUI imports at its start; those that the image does not have are left out.
MODULES = (
    "torch", "torchvision", "torchaudio", "numpy", "PIL", "transformers", "tokenizers", "safetensors", "aiohttp",
    "yaml", "pydantic", "pydantic_settings", "sqlalchemy", "av", "scipy", "einops", "kornia", "spandrel", "requests",
)  # fmt: skip


class Keeper:
    """The state between two looks."""

    def __init__(self, settings: Settings, paths: Paths, overlay: Overlay) -> None:
        self.settings, self.paths, self.overlay = settings, paths, overlay
        self.store: Store = environment.store_of(settings, paths, overlay)
        self.modules = _importable(overlay)
        self.seen, self.since = "", 0.0
        self.served_with = ""

    def adopt(self) -> None:
        """Install what was asked for under another image."""
        asked = asked_elsewhere(self.store)
        if not asked:
            clear_condition(self.paths.runtime, ADOPTION)
            return
        print(f"packages: another image; installing anew: {', '.join(each.name for each in asked)}", flush=True)
        problem = adopt(self.overlay, self.store, asked)
        if problem:
            report(self.paths, [problem])
        else:
            clear_condition(self.paths.runtime, ADOPTION)
            print("packages: installed; restart ComfyUI to use them: podkeeper restart comfyui", flush=True)

    def look(self, now: float) -> None:
        """One look; cheap where nothing has changed."""
        current, kept = fingerprint(self.overlay), read_state(self.overlay).kept
        if current != self.seen:
            self.seen, self.since = current, now
        quiet = now - self.since >= QUIET_S
        if current != kept and quiet and not installer_runs(self.overlay):
            self.keep(current)
        elif current == kept == self.served_with:
            self.note_good(current)

    def note_served(self) -> None:
        """ComfyUI has begun to respond with what is installed now."""
        self.served_with = fingerprint(self.overlay)

    def note_good(self, current: str) -> None:
        """What ComfyUI responds with, once it is kept, is the last good set."""
        self.served_with = ""
        if read_state(self.overlay).good != current:
            write_state(self.overlay, good=current)
            with contextlib.suppress(OSError):  # a volume that fails is a condition of its own
                self.store.write_good(self.store.record())

    def keep(self, current: str) -> None:
        """Keep what is installed; take it back where ComfyUI's imports fail with it."""
        with locked(self.overlay):
            problem = self.trial(current)
            try:
                # What is missing after an interrupted installation was being replaced; the next start brings it back.
                had = () if is_interrupted(self.overlay) else read_state(self.overlay).had
                found = snapshot.take(self.overlay, self.store, self.store.record(), had)
                if not problem and found.record != self.store.own_record():
                    self.store.write_record(found.record)
            except OSError as error:
                self.not_kept(f"{error.filename}: {error.strerror}")
                return
            if problem:
                why = f"ComfyUI cannot start with the packages that were installed ({problem})"
                report(self.paths, environment.roll_back(self.overlay, self.store, why, found.record))
                return
            if not found.failed:
                names = tuple(added(self.overlay.site))
                now = listing(self.overlay, strays(self.overlay))
                write_state(self.overlay, kept=current, tried=current, had=names, listing=now)
        if found.written:
            print(f"packages: kept on the volume: {', '.join(found.written)}", flush=True)
        if found.failed:
            self.not_kept(", ".join(f"{name} ({why})" for name, why in found.failed.items()))
            return
        for name in ("PackagesNotKept", "PackagesRolledBack"):
            clear_condition(self.paths.runtime, name)

    def trial(self, current: str) -> str:
        """Why ComfyUI's imports fail with these packages; "" where they work, or fail with the image's alone, too."""
        state = read_state(self.overlay)
        if not self.modules or current in (state.tried, state.good):
            return ""
        problem = run_trial(self.overlay, self.modules, TRIAL_S)
        return problem if problem and not run_trial(_image_alone(self.overlay), self.modules, TRIAL_S) else ""

    def not_kept(self, problem: str) -> None:
        """Report it, and try again in a minute."""
        reason = f"cannot keep packages on the volume: {problem}"
        remedy = "free space on the volume or make it writable; they work until the container is removed"
        report(self.paths, [Condition("PackagesNotKept", reason, remedy)])
        self.since = time.monotonic() + 60


def report(paths: Paths, conditions: list[Condition]) -> None:
    for condition in conditions:
        raise_condition(paths.runtime, condition)
        print(f"packages: {condition}", flush=True)


def _importable(overlay: Overlay) -> tuple[str, ...]:
    sites = {site_packages(overlay.image), site_packages(overlay.ground)}
    found = {name.removesuffix(".py") for site in sites for name in os.listdir(site)}
    return tuple(name for name in MODULES if name in found)


def _image_alone(overlay: Overlay) -> Overlay:
    return Overlay(overlay.image, overlay.image)
