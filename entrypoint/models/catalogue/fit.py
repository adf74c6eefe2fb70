"""P: which of the wanted bundles fit on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.models.catalogue.wanted import WantedBundle
from entrypoint.system.units import gigabytes

#: Space that stays free: outputs, logs and ComfyUI's own files need some. The larger of the two counts.
MARGIN_BYTES, MARGIN_PART = 2 * 10**9, 0.02


class DoesNotFit(Exception):
    """The bundles that the user named do not fit; the message is a table, a line per bundle."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The bundles that fit."""

    bundles: tuple[str, ...]  # names, in the manifest's order
    left_out: tuple[str, ...]  # a line for each wanted bundle that does not fit
    need: int  # bytes still to be downloaded for `bundles`


def margin(total: int) -> int:
    """Bytes to leave free on a disk of `total` bytes."""
    return max(MARGIN_BYTES, int(total * MARGIN_PART)) if total > 4 * MARGIN_BYTES else total // 4


def fitting(wanted: tuple[WantedBundle, ...], needs: Mapping[str, int], room: int) -> Fit:
    """Select the bundles that the user named, then the defaults in order, as far as they fit.

    `wanted`: all bundles, in the manifest's order; `needs`: bundle -> bytes it still needs on the disk; `room`: free
    bytes less the margin. Raises DoesNotFit: the bundles that the user named need more than `room`.
    """
    named = [each.bundle.name for each in wanted if each.wanted and each.explicit]
    left = room - sum(needs[name] for name in named)
    if named and left < 0 and sum(needs[name] for name in named):
        raise DoesNotFit(_table(wanted, named, needs, room))
    selected, left_out = set(named), []
    by_name = {each.bundle.name: each for each in wanted}
    for each in wanted:
        if not each.wanted or each.bundle.name in selected:
            continue
        unit = _with_implied(each, by_name) - selected
        need = sum(needs[name] for name in unit)
        if need <= max(left, 0):
            selected |= unit
            left -= need
        else:
            left_out.append(f"{each.bundle.name} is left out: it needs {gigabytes(need)}, {gigabytes(left)} left")
    bundles = tuple(name for name in by_name if name in selected)
    return Fit(bundles, tuple(left_out), need=sum(needs[name] for name in selected))


def _with_implied(first: WantedBundle, by_name: Mapping[str, WantedBundle]) -> set[str]:
    unit, queue = set(), [first]
    while queue:
        each = queue.pop()
        if each.wanted and each.bundle.name not in unit:
            unit.add(each.bundle.name)
            queue += [by_name[name] for name in each.bundle.implies]
    return unit


def _table(wanted: tuple[WantedBundle, ...], named: list[str], needs: Mapping[str, int], room: int) -> str:
    total = sum(needs[name] for name in named)
    lines = [f"requested: {gigabytes(total)}, room: {gigabytes(room)}; nothing is fetched. By bundle:"]
    mine = [each for each in wanted if each.bundle.name in named]
    lines += [f"  {each.bundle.name:<12} {gigabytes(needs[each.bundle.name]):>10}  {each.why}" for each in mine]
    lines.append("switch bundles off (DOWNLOAD_<BUNDLE>=false) or enlarge the volume")
    return "\n".join(lines)
