"""P: ComfyUI's own report of a start, from its log: the custom nodes that it loaded, and those that it could not."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: The launcher's line (comfyui/__main__.py), and the heading of the table: both begin a new report.
_LAUNCH, _RUNNER, _TABLE = "comfyui: ", "/runner.py ", "Import times for custom nodes:"
_LOADED, _FAILED = " seconds: /", " seconds (IMPORT FAILED): /"
_FOLDER = "/custom_nodes/"
_CANNOT, _BECAUSE = "Cannot import ", " module for custom nodes: "
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What the last start in a log says.

    Attributes:
        loaded: Node -> the seconds that its import took.
        failed: Node -> why it could not be imported, "" where ComfyUI does not say.
    """

    loaded: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def import_report(lines: Iterable[str]) -> ImportReport:
    """The report of the last start in the log. A name that begins with a dot is no node (`.ipynb_checkpoints`)."""
    why: dict[str, str] = {}
    loaded: dict[str, float] = {}
    failed: dict[str, str] = {}
    for line in lines:
        text = _COLOURS.sub("", line).rstrip()
        path, because, reason = text.partition(_CANNOT)[2].partition(_BECAUSE)
        if because:
            why[_name(path)] = " ".join(reason.split())[:_LONGEST]
        elif text.endswith(_TABLE) or (text.startswith(_LAUNCH) and _RUNNER in text):
            loaded, failed = {}, {}
        elif name := _name(text.partition(_FAILED)[2]):
            if not name.startswith("."):
                failed[name] = why.get(name, "")
        elif name := _name(text.partition(_LOADED)[2]):
            loaded[name] = _seconds(text.partition(_LOADED)[0])
    return ImportReport(loaded, failed)


def crashing_node(lines: Iterable[str]) -> str:
    """The custom node in whose code the last start has crashed, of faulthandler's report; "" where there is none.

    The report has the threads, that of the crash first (`Current thread`), each with its innermost call first.
    """
    name, current = "", False
    for line in lines:
        if line.startswith(_LAUNCH) and _RUNNER in line:
            name, current = "", False
        elif line.startswith("Current thread "):
            name, current = "", True
        elif not line.startswith("  File "):
            current = False
        elif current and not name and _FOLDER in line:
            name = line.partition(_FOLDER)[2].partition('"')[0].partition("/")[0]
    return name


def summary(failed: Mapping[str, str]) -> str:
    """One line for people."""
    return ", ".join(f"{name} ({why})" if why else name for name, why in sorted(failed.items()))


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        return float(text.rpartition(" ")[2])
    return 0.0


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
