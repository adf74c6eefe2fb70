"""P: the plan of a run: which bundles and files are downloaded, how many bytes, what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrypoint.models.catalogue.fit import fitting, margin
from entrypoint.models.catalogue.manifest import Bundle
from entrypoint.models.catalogue.wanted import WantedBundle
from entrypoint.models.progress import FAILED, INSTALLED, Transfer
from entrypoint.models.sources.model_file import File
from entrypoint.system.units import duration, gigabytes


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What a run downloads."""

    bundles: tuple[str, ...]  # names of the selected bundles, in the manifest's order
    files: tuple[File, ...]  # their files, installed or not
    need: int  # bytes still to be downloaded
    left_out: tuple[str, ...]  # a line for each wanted bundle that does not fit
    needs: tuple[tuple[str, int], ...] = ()  # (bundle, bytes it still needs) of each selected bundle

    @property
    def nothing_fits(self) -> bool:
        """Whether bundles were left out and no file of another is selected."""
        return bool(self.left_out) and not self.files

    def summary(self) -> str:
        """The plan in one line."""
        return f"models: {' '.join(self.bundles) or 'nothing'}; {gigabytes(self.need)} to fetch"

    def lines(self, transfers: Sequence[Transfer], staged: Mapping[File, int], speed: int) -> list[str]:
        """A line for each selected bundle and each of its files, and how long it takes.

        `staged`: bytes of the disk that an unfinished part of a file occupies; `speed`: bytes a second, 0: not known.
        """
        lines = []
        for name, need in self.needs:
            lines.append(f"{name}: {gigabytes(need)} to fetch{_time(need, speed)}")
            for each in transfers:
                if each.file.bundle == name:
                    lines.append(f"  {each.file.dest}: {_to_fetch(each, staged.get(each.file, 0))}")
        return lines + ([f"speed: {speed / 1e6:.1f} MB/s, as the last download measured it"] if speed else [])

    def complete_bundles(self, transfers: Sequence[Transfer]) -> list[str]:
        """The selected bundles whose files are all installed."""
        incomplete = {each.file.bundle for each in transfers if each.state != INSTALLED}
        return [name for name in self.bundles if name not in incomplete]


def _time(need: int, speed: int) -> str:
    return f", about {duration(need / speed)}" if speed and need else ""


def _to_fetch(each: Transfer, staged: int) -> str:
    if each.state == INSTALLED:
        return f"installed, {gigabytes(each.size)}"
    if each.state == FAILED and each.problem:
        return f"{each.problem[0]}: {each.problem[1]}"
    if each.linked_from:
        return f"{gigabytes(each.size)}, on this disk already: {each.linked_from}"
    if not each.size:
        return "to fetch, its size is not known"
    return f"{gigabytes(max(each.size - staged, 0))} to fetch" + (f" of {gigabytes(each.size)}" if staged else "")


#: The plan of a run that was stopped before it had one.
EMPTY_PLAN = FetchPlan((), (), 0, ())


def make_plan(
    wanted: tuple[WantedBundle, ...], transfers: Sequence[Transfer], staged: Mapping[File, int], disk: tuple[int, int]
) -> FetchPlan:
    """Select the wanted bundles that fit.

    `wanted`: all bundles, each wanted or not; `transfers`: the files of the wanted bundles, with their sizes as far as
    known, and which are installed; `staged`: bytes of the disk that an unfinished part of a file occupies; `disk`:
    (free, total) bytes of the disk. Raises DoesNotFit: the bundles that the user named do not fit.
    """
    needs = {each.bundle.name: _need(each.bundle, transfers, staged) if each.wanted else 0 for each in wanted}
    free, total = disk
    fit = fitting(wanted, needs, free - margin(total))
    files = tuple(each.file for each in transfers if each.file.bundle in fit.bundles)
    return FetchPlan(fit.bundles, files, fit.need, fit.left_out, tuple((name, needs[name]) for name in fit.bundles))


def _need(bundle: Bundle, transfers: Sequence[Transfer], staged: Mapping[File, int]) -> int:
    """Bytes that a bundle still needs on the disk; by its `size_gb` where a size is not known."""
    mine = [each for each in transfers if each.file.bundle == bundle.name]
    missing = [each for each in mine if each.state != INSTALLED and not each.linked_from]
    known = sum(max(each.size - staged.get(each.file, 0), 0) for each in missing)
    if any(not each.size for each in missing):
        installed = sum(each.size for each in mine if each not in missing)
        return max(known, int(bundle.size_gb * 1e9) - installed)
    return known
