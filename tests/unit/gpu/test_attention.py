"""Which attention is picked."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.gpu.attention import USERS_ARGUMENTS, Verdict, argument, decide, findings

GOOD = {"error": 0.023, "cosine": 0.9997, "gain": 1.0003, "worst_row": 0.06, "finite": True}
EXACT = {"error": 0.002, "cosine": 0.99999, "gain": 1.0, "worst_row": 0.004, "finite": True}


def probed(sage: dict[str, Any] | None, *, sdpa: dict[str, Any] = EXACT, ms: float = 10.0) -> dict[str, Any]:
    """Two shapes; the second one has the figures."""
    runs = [{"sdpa": EXACT | {"ms": ms}}, {"sdpa": sdpa | {"ms": ms}}]
    if sage is not None:
        runs[0]["sage"], runs[1]["sage"] = GOOD | {"ms": 5.0}, sage
    shapes = [{"name": name, "runs": each} for name, each in zip(("Wan", "SDXL"), runs, strict=True)]
    return {
        "step": "done",
        "errors": {},
        "versions": {"sageattention": "" if sage is None else "1.0.6"},
        "shapes": shapes,
    }


@pytest.mark.parametrize(
    ("change", "use", "words"),
    [
        ({"ms": 5.0}, "sage", "has 2.00 times the speed"),
        ({"ms": 13.1}, "sage", "has 1.10 times"),
        ({"ms": 13.3}, "sdpa", "but not 10 % faster: it has 1.09 times"),
        ({"ms": 40.0}, "sdpa", "it has 0.44 times the speed"),
        ({"ms": 1.0, "error": 0.081}, "sdpa", "computes wrong: SDXL: error 0.081"),
        ({"ms": 1.0, "error": 0.079}, "sage", "error 7.9 %"),
        ({"ms": 1.0, "cosine": 0.9949}, "sdpa", "computes wrong"),
        ({"ms": 1.0, "gain": 1.021}, "sdpa", "computes wrong"),
        ({"ms": 1.0, "gain": 0.979}, "sdpa", "computes wrong"),
        ({"ms": 1.0, "worst_row": 0.31}, "sdpa", "computes wrong"),
        ({"ms": 1.0, "finite": False}, "sdpa", "with values that are no numbers"),
    ],
)
def test_sageattention_has_to_be_right_and_faster(change: dict[str, Any], use: str, words: str) -> None:
    verdict = decide(probed(GOOD | change), "")
    assert (verdict.use, verdict.sdpa_wrong) == (use, "")
    assert words in verdict.reason
    assert bool(verdict.wrong) is ("computes wrong" in verdict.reason)
    assert verdict.kept


@pytest.mark.parametrize("missing", ["error", "cosine", "gain", "worst_row", "finite"])
def test_a_figure_that_is_no_number_is_wrong(missing: str) -> None:
    run = {name: value for name, value in GOOD.items() if name != missing}
    assert decide(probed(run | {"ms": 1.0}), "").wrong


@pytest.mark.parametrize(
    ("found", "ended", "words", "kept"),
    [
        (probed(None), "", "not installed", True),
        (
            probed({"problem": "RuntimeError: no kernel image"}),
            "",
            "does not run: RuntimeError: no kernel image",
            False,
        ),
        (probed(GOOD), "", "no times were measured", False),
        ({"step": "Wan: sage", "shapes": []}, "was ended by SIGSEGV", "SageAttention was ended by SIGSEGV", True),
        ({"step": "Wan: cudnn", "shapes": []}, "was ended by SIGSEGV", "the check was ended by SIGSEGV", False),
        ({}, "cannot run x", "the check cannot run x", False),
        ({"errors": {"start": "MemoryError: only 9 MiB"}}, "", "not checked: MemoryError: only 9 MiB", False),
    ],
)
def test_what_was_not_measured_is_pytorchs(found: dict[str, Any], ended: str, words: str, kept: bool) -> None:
    verdict = decide(found, ended)
    assert verdict.use == "sdpa"
    assert words in verdict.reason
    assert verdict.kept is kept


def test_a_wrong_attention_of_pytorchs_is_a_fault_of_the_gpu() -> None:
    verdict = decide(probed(None, sdpa=EXACT | {"error": 0.03}), "")
    assert "SDXL" in verdict.sdpa_wrong
    assert [each.condition for each in findings(verdict, setting="auto", running="")] == ["GpuComputesWrong", ""]


@pytest.mark.parametrize("setting", ["auto", "sage", "sdpa"])
def test_a_wrong_kernel_is_a_condition_whatever_the_setting(setting: str) -> None:
    verdict = Verdict(reason="r", wrong="Wan: error 0.3")
    (unused,) = findings(verdict, setting=setting, running="")
    (used,) = findings(verdict, setting=setting, running="sage")
    assert unused.condition == used.condition == "AttentionKernelWrong"
    assert unused.text == "the package sageattention computes wrong on this GPU (Wan: error 0.3)"
    assert "and ComfyUI runs with it" in used.text
    assert "podkeeper restart comfyui" in used.remedy


@pytest.mark.parametrize(
    ("use", "running", "words"),
    [
        ("sage", "", "from ComfyUI's next start on"),
        ("sage", "sdpa", "from ComfyUI's next start on"),
        ("sage", "sage", ""),
        ("sdpa", "", "PyTorch's attention is used"),
    ],
)
def test_the_finding_says_from_when_on(use: str, running: str, words: str) -> None:
    (found,) = findings(Verdict(use=use, reason="r"), setting="auto", running=running)
    assert found.text.endswith(words)
    assert ("next start" in found.text) is ("next start" in words)


@pytest.mark.parametrize(
    ("setting", "use", "given", "on_cpu", "expected"),
    [
        ("auto", "", [], False, ""),
        ("auto", "sdpa", [], False, ""),
        ("auto", "sage", [], False, "--use-sage-attention"),
        ("auto", "sage", [], True, ""),
        ("sage", "", [], False, "--use-sage-attention"),
        ("sage", "sdpa", [], False, "--use-sage-attention"),
        ("sage", "sage", [], True, ""),
        ("sdpa", "sage", [], False, "--use-pytorch-cross-attention"),
        ("sdpa", "", [], True, "--use-pytorch-cross-attention"),
        *(("sage", "sage", [word], False, "") for word in USERS_ARGUMENTS),
    ],
)
def test_the_argument(setting: str, use: str, given: list[str], on_cpu: bool, expected: str) -> None:
    assert argument(setting, use, given, on_cpu=on_cpu) == expected
