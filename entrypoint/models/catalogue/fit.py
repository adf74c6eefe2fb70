"""P: which bundles are taken, given what is wanted and what fits on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.models.catalogue.wanted import Wish

#: Room that stays free: outputs, logs and ComfyUI's own files need some. The larger of the two counts.
MARGIN_BYTES, MARGIN_PART = 2 * 10**9, 0.02


class DoesNotFit(Exception):
    """What was asked for by name does not fit; the message is a table, a line per bundle."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is fetched.

    Attributes:
        taken: Bundle names, in the manifest's order.
        left_out: A line for each bundle that was wanted and does not fit.
        need: Bytes still to be fetched for what is taken.
    """

    taken: tuple[str, ...]
    left_out: tuple[str, ...]
    need: int


def margin(total: int) -> int:
    """Bytes to leave free on a disk of `total` bytes."""
    return max(MARGIN_BYTES, int(total * MARGIN_PART)) if total > 4 * MARGIN_BYTES else total // 4


def select(wishes: tuple[Wish, ...], needs: Mapping[str, int], room: int) -> Selection:
    """Take what was asked for by name, then the defaults in order, as far as they fit.

    Args:
        wishes: What is wanted, in the manifest's order.
        needs: Bundle -> bytes it still needs on the disk.
        room: Bytes that may be used: free space less the margin.

    Raises:
        DoesNotFit: What was asked for by name needs more than `room`.
    """
    named = [wish.bundle.name for wish in wishes if wish.wanted and wish.explicit]
    left = room - sum(needs[name] for name in named)
    if named and left < 0 and sum(needs[name] for name in named):
        raise DoesNotFit(_table(wishes, named, needs, room))
    taken, left_out = set(named), []
    by_name = {wish.bundle.name: wish for wish in wishes}
    for wish in wishes:
        if not wish.wanted or wish.bundle.name in taken:
            continue
        unit = _with_implied(wish, by_name) - taken
        need = sum(needs[name] for name in unit)
        if need <= max(left, 0):
            taken |= unit
            left -= need
        else:
            left_out.append(f"{wish.bundle.name} is left out: it needs {gigabytes(need)}, {gigabytes(left)} left")
    return Selection(
        taken=tuple(name for name in by_name if name in taken),
        left_out=tuple(left_out),
        need=sum(needs[name] for name in taken),
    )


def gigabytes(amount: int) -> str:
    """Bytes as people buy them."""
    return f"{max(amount, 0) / 1e9:.1f} GB" if amount >= 10**8 or amount <= 0 else f"{amount / 1e6:.1f} MB"


def _with_implied(wish: Wish, by_name: Mapping[str, Wish]) -> set[str]:
    unit, queue = set(), [wish]
    while queue:
        each = queue.pop()
        if each.wanted and each.bundle.name not in unit:
            unit.add(each.bundle.name)
            queue += [by_name[name] for name in each.bundle.implies]
    return unit


def _table(wishes: tuple[Wish, ...], named: list[str], needs: Mapping[str, int], room: int) -> str:
    total = sum(needs[name] for name in named)
    lines = [f"asked for: {gigabytes(total)}, room: {gigabytes(room)}; nothing is fetched. By bundle:"]
    lines += [
        f"  {wish.bundle.name:<12} {gigabytes(needs[wish.bundle.name]):>10}  {wish.why}"
        for wish in wishes
        if wish.bundle.name in named
    ]
    lines.append("switch bundles off (DOWNLOAD_<BUNDLE>=false) or enlarge the volume")
    return "\n".join(lines)
