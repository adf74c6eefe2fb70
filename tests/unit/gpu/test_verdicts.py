"""The kept verdicts: what they hold for, and files that are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from entrypoint.gpu.attention import Verdict
from entrypoint.gpu.verdicts import (
    chooses_sage,
    keep_verdict,
    key_of,
    last_launch,
    note_launch,
    read_verdict,
)  # fmt: skip
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings

SAGE = Verdict(use="sage", reason="r", speedup=1.5, error=0.02, cosine=0.999)
VERSIONS = {"torch": "2.10.0", "triton": "3.6.0", "sageattention": "1.0.6"}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = locate(
        Settings(home=str(tmp_path)), Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/usr/bin/python3")
    )
    Path(found.reports).mkdir(parents=True)
    return found


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """/proc/driver/nvidia of two GPUs."""
    folder = tmp_path / "nvidia"
    for slot, uuid in (("0000:01:00.0", "GPU-bb-2"), ("0000:02:00.0", "GPU-aa-1")):
        (folder / "gpus" / slot).mkdir(parents=True)
        text = f"Model: \t\t NVIDIA H100\nIRQ:   \t\t 18\nGPU UUID: \t {uuid}\nVideo BIOS: \t 96.00\n"
        (folder / "gpus" / slot / "information").write_text(text)
    version = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (x@y)\n"
    (folder / "version").write_text(version + "GCC version:  gcc version 12.2.0\n")
    return folder


def test_the_key_names_gpus_driver_and_versions(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    key = key_of(VERSIONS, str(driver))
    assert key is not None
    assert key.pop("podkeeper")
    assert key == {"gpus": ["GPU-aa-1", "GPU-bb-2"], "driver": "580.95.05", "visible": "1", **VERSIONS}


def test_a_gpu_that_cannot_be_identified_has_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert key_of(VERSIONS, f"{tmp_path}/missing") is None


def test_a_verdict_holds_for_its_key_alone(paths: Paths) -> None:
    assert read_verdict(paths, {"gpus": ["a"]}) is None
    assert not chooses_sage(paths)
    keep_verdict(paths, {"gpus": ["a"]}, SAGE)
    keep_verdict(paths, {"gpus": ["b"]}, Verdict(reason="slower"))
    assert read_verdict(paths, {"gpus": ["a"]}) == SAGE
    assert read_verdict(paths, {"gpus": ["b"]}) == Verdict(reason="slower")
    assert read_verdict(paths, {"gpus": ["a", "b"]}) is None
    assert read_verdict(paths, None) is None
    assert chooses_sage(paths)
    keep_verdict(paths, {"gpus": ["a"]}, Verdict(reason="slower"))
    assert not chooses_sage(paths)


def test_the_newest_verdicts_are_kept(paths: Paths) -> None:
    for number in range(40):
        keep_verdict(paths, {"gpus": [str(number)]}, SAGE)
    rows = json.loads(Path(paths.models_state, "gpu-attention.json").read_text())["verdicts"]
    assert [row["key"]["gpus"] for row in rows[:2]] == [["39"], ["38"]]
    assert len(rows) == 16


@pytest.mark.parametrize(
    "verdict",
    [None, 3, {}, {"use": "sage"}, {"use": 3, "reason": "r"}, {"use": "sage", "reason": "r", "new": 1},
     {"use": "sage", "reason": "r", "speedup": "fast"}],
)  # fmt: skip
def test_a_damaged_verdict_is_none(verdict: Any, paths: Paths) -> None:
    Path(paths.models_state).mkdir(parents=True, exist_ok=True)
    content = {"verdicts": [None, {"key": 3}, {"key": {"gpus": ["a"]}, "verdict": verdict}]}
    Path(paths.models_state, "gpu-attention.json").write_text(json.dumps(content))
    assert read_verdict(paths, {"gpus": ["a"]}) is None
    assert not chooses_sage(paths)


def test_the_launch_is_noted(paths: Paths) -> None:
    assert last_launch(paths) == ("", "")
    note_launch(paths, "/env/bin/python", "sage")
    assert last_launch(paths) == ("/env/bin/python", "sage")
