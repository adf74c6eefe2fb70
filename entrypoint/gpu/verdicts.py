"""A: the verdicts on the attention, kept on the volume by GPU and versions; ComfyUI's launcher reads them.

A verdict holds for exactly the GPUs, driver, packages and podkeeper under which it was found. A launch reads one file,
and asks for nothing more unless a verdict in it chooses SageAttention.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from entrypoint import __version__
from entrypoint.gpu.attention import SAGE, Verdict
from entrypoint.gpu.command import run_command
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_list, read_table, read_text, write_json

#: The packages on whose versions a verdict depends.
PACKAGES = ("torch", "triton", "sageattention")
#: How many verdicts are kept: a volume moves between cards.
_KEPT = 16
_DRIVER = "/proc/driver/nvidia"
_SMI = ("nvidia-smi", "--query-gpu=uuid,driver_version", "--format=csv,noheader")
_SMI_S = 5.0


def key_of(versions: Mapping[str, str], folder: str = _DRIVER) -> dict[str, Any] | None:
    """What a verdict holds for; None where the GPUs cannot be identified.

    Args:
        versions: The versions of PACKAGES; "": not installed.
        folder: The driver's folder in /proc, which a container has of the GPUs that it has. Without it, nvidia-smi is
            asked.
    """
    gpus = sorted(
        found[1]
        for path in glob.glob(f"{folder}/gpus/*/information")
        if (found := re.search(r"GPU UUID:\s*(GPU-[0-9a-f-]+)", read_text(path) or ""))
    )
    driver = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", read_text(f"{folder}/version") or "")
    if not gpus or not driver:
        return _key_of_smi(versions)
    return _key(gpus, driver[0], versions)


def _key_of_smi(versions: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        ended = run_command(_SMI, _SMI_S)
    except OSError:
        return None
    lines = ended.output.splitlines() if ended.code == 0 else []
    rows = [[part.strip() for part in line.split(",")] for line in lines if line.count(",") == 1]
    return _key(sorted(row[0] for row in rows), rows[0][1], versions) if rows else None


def _key(gpus: list[str], driver: str, versions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "gpus": gpus,
        "visible": os.environ.get("CUDA_VISIBLE_DEVICES", ""),  # with it, which GPU is the first
        "driver": driver,
        "podkeeper": __version__,
        **{name: versions.get(name, "") for name in PACKAGES},
    }


def read_verdict(paths: Paths, key: Mapping[str, Any] | None) -> Verdict | None:
    """The verdict for this key; None: there is none."""
    for row in read_list(_file(paths), "verdicts"):
        if key and isinstance(row, dict) and row.get("key") == key:
            return _verdict(row.get("verdict"))
    return None


def chooses_sage(paths: Paths) -> bool:
    """Whether any kept verdict chooses SageAttention, so that a launch has to know the key."""
    rows = read_list(_file(paths), "verdicts")
    return any(
        verdict.use == SAGE for row in rows if isinstance(row, dict) and (verdict := _verdict(row.get("verdict")))
    )


def keep_verdict(paths: Paths, key: Mapping[str, Any], verdict: Verdict) -> None:
    """Keep it, the newest first. Raises OSError: the volume refuses."""
    rows = [row for row in read_list(_file(paths), "verdicts") if isinstance(row, dict) and row.get("key") != key]
    os.makedirs(paths.models_state, exist_ok=True)
    newest = {"key": dict(key), "verdict": asdict(verdict)}
    write_json(_file(paths), {"verdicts": [newest, *rows][:_KEPT]})


def note_launch(paths: Paths, python: str, attention: str) -> None:
    """Note what ComfyUI is launched with: its Python, and SAGE, SDPA or "". Raises OSError."""
    write_json(_launch_file(paths), {"python": python, "attention": attention})


def last_launch(paths: Paths) -> tuple[str, str]:
    """(Python, attention) of ComfyUI's last launch of this start; ("", ""): there was none."""
    found = read_table(_launch_file(paths))
    return str(found.get("python", "")), str(found.get("attention", ""))


def _verdict(content: Any) -> Verdict | None:
    known = {each.name for each in fields(Verdict)}
    if not isinstance(content, dict) or not known >= content.keys() >= {"use", "reason"}:
        return None
    texts = (content.get(name, "") for name in ("use", "reason", "wrong", "sdpa_wrong"))
    numbers = (content.get(name) for name in ("speedup", "error", "cosine"))
    if not all(isinstance(text, str) for text in texts):
        return None
    if not all(number is None or isinstance(number, int | float) for number in numbers):
        return None
    return Verdict(**content)


def _file(paths: Paths) -> str:
    return f"{paths.models_state}/gpu-attention.json"


def _launch_file(paths: Paths) -> str:
    return f"{paths.reports}/comfyui-gpu.json"
