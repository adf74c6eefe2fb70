"""P: reads `nvidia-smi -q -x`.

The XML, not `--query-gpu`: an older driver refuses a whole query for one field that it does not know, and leaves the
same field out of the XML. `N/A`, and a missing element, are None or "".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

#: Reasons for lower clocks that mean a fault of the host: heat, or a power supply that asks for less. Not among them:
#: the power cap, at which a busy card runs always.
_FAULTS = {
    "hw_slowdown": "hardware slowdown",
    "hw_thermal_slowdown": "heat",
    "hw_power_brake_slowdown": "power brake",
    "sw_thermal_slowdown": "heat",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One GPU as the driver reports it.

    Attributes:
        memory_used, memory_total: Bytes.
        generation, width: The PCIe link now; `max_generation`, `max_width`: what card and slot can do. 0: unknown.
        uncorrectable: ECC errors that could not be corrected, since the driver was loaded. None: no ECC.
        retired: Whether memory waits to be taken out of use, or could not be (pending page retirement, row remapping).
        slowdown: Why the clocks are lowered, where that is a fault; "".
        power_limit, default_power_limit: Watts; None: unknown.
    """

    name: str
    uuid: str
    memory_used: int | None = None
    memory_total: int | None = None
    generation: int = 0
    max_generation: int = 0
    width: int = 0
    max_width: int = 0
    uncorrectable: int | None = None
    retired: str = ""
    slowdown: str = ""
    power_limit: float | None = None
    default_power_limit: float | None = None
    temperature: float | None = None


def parse(text: str) -> tuple[str, tuple[Card, ...]]:
    """(driver version, cards); ("", ()) where the text is no such XML."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - the driver's own tool wrote it
    except (ElementTree.ParseError, ValueError):
        return "", ()
    return (root.findtext("driver_version") or "").strip(), tuple(_card(gpu) for gpu in root.iter("gpu"))


def _card(gpu: ElementTree.Element) -> Card:
    power = gpu.find("gpu_power_readings")
    if power is None:
        power = gpu.find("power_readings")
    link = "pci/pci_gpu_link_info"
    return Card(
        name=_text(gpu, "product_name"),
        uuid=_text(gpu, "uuid"),
        memory_used=_bytes(gpu, "fb_memory_usage/used"),
        memory_total=_bytes(gpu, "fb_memory_usage/total"),
        generation=int(_number(gpu, f"{link}/pcie_gen/current_link_gen") or 0),
        max_generation=int(_number(gpu, f"{link}/pcie_gen/max_link_gen") or 0),
        width=int(_number(gpu, f"{link}/link_widths/current_link_width") or 0),
        max_width=int(_number(gpu, f"{link}/link_widths/max_link_width") or 0),
        uncorrectable=_uncorrectable(gpu),
        retired=_retired(gpu),
        slowdown=_slowdown(gpu),
        power_limit=_number(power, "current_power_limit") or _number(power, "power_limit"),
        default_power_limit=_number(power, "default_power_limit"),
        temperature=_number(gpu, "temperature/gpu_temp"),
    )


def _text(element: ElementTree.Element | None, path: str) -> str:
    text = (element.findtext(path) or "").strip() if element is not None else ""
    return "" if text in ("N/A", "[N/A]", "Unknown Error") else text


def _number(element: ElementTree.Element | None, path: str) -> float | None:
    found = re.match(r"\d+(\.\d+)?", _text(element, path))
    return float(found[0]) if found else None


def _bytes(gpu: ElementTree.Element, path: str) -> int | None:
    number = _number(gpu, path)
    return None if number is None else int(number) << 20  # nvidia-smi gives MiB


def _uncorrectable(gpu: ElementTree.Element) -> int | None:
    volatile = gpu.find("ecc_errors/volatile")
    if volatile is None:
        return None
    counts = [_number(volatile, each.tag) for each in volatile if "uncorrectable" in each.tag]
    counts.append(_number(volatile, "double_bit/total"))  # drivers before 2019
    known = [int(count) for count in counts if count is not None]
    return sum(known) if known else None


def _retired(gpu: ElementTree.Element) -> str:
    pending = ("retired_pages/pending_retirement", "retired_pages/pending_blacklist")
    if _text(gpu, "remapped_rows/remapped_row_failure") == "Yes":
        return "a faulty row of its memory could not be replaced"
    if _text(gpu, "remapped_rows/remapped_row_pending") == "Yes":
        return "a faulty row of its memory waits to be replaced"
    return "faulty pages of its memory wait to be retired" if "Yes" in [_text(gpu, each) for each in pending] else ""


def _slowdown(gpu: ElementTree.Element) -> str:
    found = []
    for prefix in ("clocks_event_reason", "clocks_throttle_reason"):  # the second until driver 535
        found += [why for name, why in _FAULTS.items() if _text(gpu, f"{prefix}s/{prefix}_{name}") == "Active"]
    causes = [why for why in dict.fromkeys(found) if why != "hardware slowdown"]
    return ", ".join(causes) or ", ".join(dict.fromkeys(found))
