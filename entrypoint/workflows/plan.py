"""P: the plan of a workflow: each model and node pack with its state, what is to be fetched, and the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from entrypoint.models.sources.model_file import File
from entrypoint.workflows.needed import Model, Pack

#: States: usable as it is; can be fetched; no address is known; its source does not have it, or it is refused; a class
#: that a custom node may have, while ComfyUI does not run.
INSTALLED, MISSING, NO_ADDRESS, REFUSED, UNKNOWN = "installed", "missing", "no address", "unavailable", "not checked"
#: Exit codes: everything is installed; something is missing, and all of it can be had; something cannot be had, or
#: could not be checked; sysexits.h: no workflow (EX_DATAERR), the source of the workflow cannot be read (EX_NOINPUT).
ALL_INSTALLED, CAN_BE_HAD, CANNOT_BE_HAD, EX_DATAERR, EX_NOINPUT = 0, 1, 2, 65, 66
#: Model folders whose files a GPU holds whole while ComfyUI uses them.
_HEAVY = ("checkpoints", "diffusion_models", "text_encoders")


@dataclass(slots=True)
class ModelState:
    """A model of the workflow.

    `file`: how the fetcher knows it, None where it cannot be fetched; `path`: where it is installed; `size`: bytes, 0:
    not known; `note`: what the user should know or do; `candidates`: addresses of files of the same name.
    """

    model: Model
    state: str
    file: File | None = None
    path: str = ""
    size: int = 0
    note: str = ""
    candidates: list[str] = field(default_factory=list)


@dataclass(slots=True)
class PackState:
    """A node pack of the workflow. `wanted`: what `podkeeper nodes install` takes, "" where it cannot be installed."""

    pack: Pack
    state: str
    wanted: str = ""
    note: str = ""
    candidates: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Room:
    """The pod: free bytes for models less the margin; bytes a second; the GPU's memory. 0: not known."""

    free: int
    speed: int = 0
    gpu_memory: int = 0


@dataclass(slots=True)
class Plan:
    """What a workflow needs."""

    models: list[ModelState]
    packs: list[PackState]
    room: Room
    notes: list[str] = field(default_factory=list)
    inactive: int = 0  # muted and bypassed nodes, which are left out

    @property
    def missing(self) -> list[ModelState]:
        """The models that `fetch` would fetch."""
        return [each for each in self.models if each.state == MISSING]

    @property
    def to_fetch(self) -> int:
        """Bytes to fetch, as far as they are known."""
        return sum(each.size for each in self.missing)

    @property
    def unknown_sizes(self) -> int:
        """How many of the files to fetch have no known size."""
        return sum(not each.size for each in self.missing)

    @property
    def fits(self) -> bool:
        """Whether what is to be fetched fits on the disk."""
        return self.to_fetch <= max(self.room.free, 0)

    @property
    def seconds(self) -> float | None:
        """How long the download takes at the measured speed; None: not measured."""
        return self.to_fetch / self.room.speed if self.room.speed else None

    @property
    def largest(self) -> ModelState | None:
        """The largest file that the GPU holds whole, of those whose size is known."""
        heavy = [each for each in self.models if each.size and each.model.directory.partition("/")[0] in _HEAVY]
        return max(heavy, key=lambda each: each.size, default=None)

    @property
    def code(self) -> int:
        """The exit code."""
        states = [each.state for each in self.models] + [each.state for each in self.packs]
        if any(state in (NO_ADDRESS, REFUSED, UNKNOWN) for state in states):
            return CANNOT_BE_HAD
        return CAN_BE_HAD if MISSING in states else ALL_INSTALLED


def one_file_each(models: Sequence[ModelState]) -> list[str]:
    """Refuse models whose destination is a folder of another's; returns a note for each."""
    places = {each.file.dest for each in models if each.file}
    notes = []
    for each in models:
        names = each.file.dest.split("/") if each.file else []
        if any("/".join(names[:count]) in places for count in range(1, len(names))):
            each.state, each.file, each.note = REFUSED, None, "its folder is the name of another file of this workflow"
            notes.append(f"{each.model.dest}: {each.note}")
    return notes
