"""P: which attention ComfyUI uses: SageAttention only where it is right on this GPU and faster than PyTorch's.

What counts as right follows from the arithmetic. SageAttention 1 has q and k in 8-bit integers, SageAttention 2 also
the weights and v in 8-bit floating point; simulated in float32 on the operands of `attention_probe`, the first is off
by 2.3 % (2-norm), the second by 4.1 %, the worst row by 5.5 % and 7.5 %. Both errors are unbiased: the cosine is above
0.999, and the gain (whether the result is too large) within 0.1 % of 1. The limits are about twice that for a whole
result; a row has a wider one, because the worst of 10,000 varies. A kernel that skips a block, reads behind the last
row or scales wrongly by 2 % is outside. PyTorch's own kernels compute in 16 bits and are off by 0.2 % to 0.5 %; their
limit is 2 %.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from entrypoint.gpu.findings import Finding

AUTO, SAGE, SDPA = CHOICES = ("auto", "sage", "sdpa")
ARGUMENTS = {SAGE: "--use-sage-attention", SDPA: "--use-pytorch-cross-attention"}
#: ComfyUI's arguments that choose an attention; argparse refuses two of them (`attn_group` of cli_args.py).
USERS_ARGUMENTS = (
    "--use-split-cross-attention", "--use-quad-cross-attention", "--use-pytorch-cross-attention",
    "--use-sage-attention", "--use-flash-attention",
)  # fmt: skip
#: SageAttention has to take this many times less time than PyTorch's, over all shapes together: below, a difference is
#: not worth 8-bit arithmetic.
MARGIN = 1.1
_NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a right result keeps to; see the module's docstring."""

    error: float
    cosine: float
    gain: float
    worst_row: float


SAGE_LIMITS = Limits(error=0.08, cosine=0.995, gain=0.02, worst_row=0.3)
SDPA_LIMITS = Limits(error=0.02, cosine=0.999, gain=0.01, worst_row=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the probe led to.

    Attributes:
        use: SAGE or SDPA.
        reason: Why, in one line.
        speedup: PyTorch's time by SageAttention's, over all shapes; None: not both ran.
        error, cosine: SageAttention's largest error and smallest cosine; None: it did not run.
        wrong: What SageAttention computes wrong; "": nothing.
        sdpa_wrong: What PyTorch's attention computes wrong; "": nothing.
        kept: Whether it holds for the next starts; False where nothing could be decided.
    """

    use: str = SDPA
    reason: str
    speedup: float | None = None
    error: float | None = None
    cosine: float | None = None
    wrong: str = ""
    sdpa_wrong: str = ""
    kept: bool = True


def decide(found: Mapping[str, Any], ended: str) -> Verdict:
    """The verdict on what `attention_probe.py` printed last.

    Args:
        found: Its JSON.
        ended: How it ended where it did not end well; "".
    """
    shapes = [each for each in found.get("shapes") or () if isinstance(each, dict)]
    installed = bool(_mapping(found.get("versions")).get("sageattention")) or any(
        "sage" in _runs(each) for each in shapes
    )
    sdpa_wrong = _wrong(shapes, "sdpa", SDPA_LIMITS)
    if ended:
        # Where the probe ended in a step of SageAttention's, SageAttention ended it.
        sage = str(found.get("step", "")).endswith(": sage")
        reason = f"{'SageAttention' if sage else 'the check'} {ended}"
        return Verdict(reason=reason, sdpa_wrong=sdpa_wrong, kept=sage)
    errors = _mapping(found.get("errors"))
    if errors:
        return Verdict(reason=f"{_NOT_CHECKED}: {next(iter(errors.values()))}", sdpa_wrong=sdpa_wrong, kept=False)
    if not installed:
        return Verdict(reason="SageAttention is not installed", sdpa_wrong=sdpa_wrong)
    return _sage(shapes, sdpa_wrong)


def _sage(shapes: list[dict[str, Any]], sdpa_wrong: str) -> Verdict:
    runs = [(_runs(each).get("sdpa", {}), _runs(each).get("sage", {})) for each in shapes]
    error = max((sage["error"] for _, sage in runs if "error" in sage), default=None)
    cosine = min((sage["cosine"] for _, sage in runs if "cosine" in sage), default=None)
    base = Verdict(reason="", error=error, cosine=cosine, sdpa_wrong=sdpa_wrong)
    wrong = _wrong(shapes, "sage", SAGE_LIMITS)
    if wrong:
        return replace(base, reason=f"SageAttention computes wrong: {wrong}", wrong=wrong)
    problems = [str(sage["problem"]) for _, sage in runs if "problem" in sage]
    if problems:
        # Not kept: a compiler for Triton, or free memory, may be there at the next start.
        return replace(base, reason=f"SageAttention does not run: {problems[0]}", kept=False)
    times = [(sdpa.get("ms"), sage.get("ms")) for sdpa, sage in runs]
    if not times or not all(one and other for one, other in times):
        return replace(base, reason=f"{_NOT_CHECKED}: no times were measured", kept=False)
    speedup = round(sum(one for one, _ in times) / sum(other for _, other in times), 2)
    base = replace(base, speedup=speedup)
    right = f"SageAttention is right (error {100 * (error or 0):.1f} %, cosine {cosine or 0:.4f})"
    if speedup < MARGIN:
        reason = (
            f"{right}, but not {100 * (MARGIN - 1):.0f} % faster: it has {speedup:.2f} times the speed of PyTorch's"
        )
        return replace(base, reason=reason)
    return replace(base, use=SAGE, reason=f"{right} and has {speedup:.2f} times the speed of PyTorch's")


def _wrong(shapes: list[dict[str, Any]], candidate: str, limits: Limits) -> str:
    """The first shape at which a candidate that ran is outside its limits, with its figures; ""."""
    for shape in shapes:
        run = _runs(shape).get(candidate)
        if not run or "problem" in run or _right(run, limits):
            continue
        figures = ", ".join(
            f"{name} {run[name]:.4g}" for name in ("error", "cosine", "gain", "worst_row") if name in run
        )
        finite = "" if run.get("finite") else " with values that are no numbers"
        return f"{shape.get('name')}: {figures or 'no number'}{finite}"
    return ""


def _right(run: Mapping[str, Any], limits: Limits) -> bool:
    return bool(
        run.get("finite")
        and run.get("error", 9) <= limits.error
        and run.get("cosine", 0) >= limits.cosine
        and abs(run.get("gain", 9) - 1) <= limits.gain
        and run.get("worst_row", 9) <= limits.worst_row
    )


def findings(verdict: Verdict, *, setting: str, running: str) -> list[Finding]:
    """The verdict's findings.

    Args:
        verdict: The verdict.
        setting: ATTENTION.
        running: The attention with which ComfyUI was launched last; "": its own choice, which is PyTorch's.
    """
    found = []
    if verdict.sdpa_wrong:
        text = f"PyTorch's attention computes wrong: {verdict.sdpa_wrong}"
        remedy = "deploy the pod on another host, and report this one to the provider"
        found.append(Finding("attention", "failed", text, remedy, "GpuComputesWrong"))
    if verdict.wrong:
        remedy = "install another version of sageattention; ComfyUI uses PyTorch's attention until then"
        if running == SAGE:
            remedy = (
                "remove --use-sage-attention from COMFYUI_ARGS, set ATTENTION=auto, and run: podkeeper restart comfyui"
            )
        uses = ", and ComfyUI runs with it" if running == SAGE else ""
        text = f"the package sageattention computes wrong on this GPU{uses} ({verdict.wrong})"
        return [*found, Finding("attention", "warning", text, remedy, "AttentionKernelWrong")]
    if setting != AUTO:
        return [*found, Finding("attention", "ok", f"{verdict.reason}; ATTENTION={setting} decides")]
    state = "; it is used from ComfyUI's next start on" if verdict.use == SAGE != running else ""
    sdpa = "" if verdict.use == SAGE else "; PyTorch's attention is used"
    return [
        *found,
        Finding(
            "attention", "skipped" if verdict.reason.startswith(_NOT_CHECKED) else "ok", verdict.reason + state + sdpa
        ),
    ]


def argument(setting: str, use: str, given: Collection[str], *, on_cpu: bool) -> str:
    """The argument that ComfyUI gets for its attention; "": none.

    Args:
        setting: ATTENTION.
        use: The verdict for this GPU and these packages; "": there is none.
        given: The options of USERS_ARGUMENTS that the user gives: they decide.
        on_cpu: Whether ComfyUI computes on the CPU.
    """
    if given or (on_cpu and setting != SDPA):
        return ""
    if setting == AUTO:
        return ARGUMENTS[SAGE] if use == SAGE else ""
    return ARGUMENTS[setting]


def _runs(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {name: run for name, run in _mapping(shape.get("runs")).items() if isinstance(run, dict)}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
