"""P: facts about the GPUs -> findings, each with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from entrypoint.gpu.cards import link_speed, model_of, slow_copies
from entrypoint.gpu.compatibility import floor_of, is_older, other_host_or_image, supports
from entrypoint.gpu.findings import Finding, worst
from entrypoint.gpu.smi import Card

GIB = 1 << 30
#: Bytes of a GPU that ComfyUI's process takes besides what torch reports: CUDA's context and its libraries' workspace.
_CONTEXT = 3 * GIB // 2
#: The share of a GPU's memory that another process may use before it is reported.
_SHARED = 0.1
_ELSEWHERE = "deploy the pod on another host, and report this one to the provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was collected.

    Attributes:
        found: What `probe.py` printed last.
        ended: How the probe ended where it did not end well; "".
        driver: The driver's version; "": unknown.
        idle, loaded: nvidia-smi's cards before the probe, and while it kept them busy; () where nvidia-smi is missing.
        comfyui_memory: Bytes that ComfyUI's torch has reserved on the first GPU; None: it does not respond.
    """

    found: Mapping[str, Any] = field(default_factory=dict)
    ended: str = ""
    driver: str = ""
    idle: tuple[Card, ...] = ()
    loaded: tuple[Card, ...] = ()
    comfyui_memory: int | None = None


def evaluate(facts: Facts) -> list[Finding]:
    """Every finding, in the order of causes."""
    driver, cuda = list(_driver(facts)), list(_cuda(facts))
    if worst(driver) == "failed":  # the cause; what follows from it is no condition of its own
        cuda = [replace(each, remedy="", condition="") for each in cuda]
    return [*driver, *cuda, *_devices(facts), *_memory(facts), *_faults(facts)]


def _errors(facts: Facts) -> dict[str, str]:
    errors = facts.found.get("errors")
    return {str(name): str(text) for name, text in errors.items()} if isinstance(errors, dict) else {}


def _torch(facts: Facts) -> str:
    return f"torch {facts.found.get('torch', '')}"


def _works(facts: Facts) -> bool:
    return not facts.ended and bool(facts.found.get("count")) and "start CUDA" not in _errors(facts)


def _driver(facts: Facts) -> Iterator[Finding]:
    cuda = str(facts.found.get("cuda") or "")
    floor = floor_of(cuda)
    if not facts.driver or not floor:
        return
    fits = f"driver {facts.driver}; {_torch(facts)} for CUDA {cuda} came with {floor.full}"
    if not is_older(facts.driver, floor.full):
        yield Finding("driver", "ok", fits)
        return
    remedy = other_host_or_image(cuda, facts.driver)
    if _works(facts) and not is_older(facts.driver, floor.runs):
        text = f"{fits}: what is compiled on the pod (Triton, custom nodes) may fail"
        yield Finding("driver", "warning", text, remedy)
        return
    text = f"the host's driver {facts.driver} is too old for {_torch(facts)}: CUDA {cuda} needs {floor.full} or newer"
    yield Finding("driver", "failed", text, remedy, "GpuDriverOld")


def _cuda(facts: Facts) -> Iterator[Finding]:
    errors, found = _errors(facts), facts.found
    names = ", ".join(dict.fromkeys(card.name for card in facts.idle)) or "the GPU"
    if facts.ended:
        yield Finding(
            "cuda", "failed", f"CUDA does not work on {names}: the check {facts.ended}", _ELSEWHERE, "GpuUnusable"
        )
    elif "torch" in errors:
        remedy = "install ComfyUI's requirements.txt into its environment, then run: podkeeper restart comfyui"
        yield Finding("cuda", "failed", f"torch cannot be imported: {errors['torch']}", remedy)
    elif found.get("hip"):
        yield Finding("cuda", "skipped", f"{_torch(facts)} is built for AMD's ROCm, which is not checked")
    elif not found.get("cuda"):
        remedy = "install torch with CUDA into ComfyUI's environment, then run: podkeeper restart comfyui"
        yield Finding("cuda", "failed", f"{_torch(facts)} is built without CUDA", remedy, "GpuUnusable")
    elif "start CUDA" in errors or not found.get("count"):
        text = f"CUDA does not start on {names}: {errors.get('start CUDA') or 'it sees no GPU'}"
        yield Finding("cuda", "failed", text, _ELSEWHERE, "GpuUnusable")
    else:
        seconds = found.get("seconds", {}).get("start CUDA", 0)
        yield Finding("cuda", "ok", f"CUDA {found['cuda']} starts in {seconds:.1f} s and has {found['count']} GPU(s)")


def _devices(facts: Facts) -> Iterator[Finding]:
    devices = facts.found.get("devices")
    for device in devices if isinstance(devices, list) else ():
        if isinstance(device, dict) and not facts.ended:
            yield from _device(facts, device)


def _device(facts: Facts, device: Mapping[str, Any]) -> Iterator[Finding]:
    index = device.get("index", 0)
    name = str(device.get("name") or f"GPU {index}")
    errors = {step: text for step, text in _errors(facts).items() if step.split(" ")[:2] == ["GPU", str(index)]}
    capability, archs = device.get("capability"), facts.found.get("archs") or ()
    if capability and archs:
        number = ".".join(str(part) for part in capability)
        if not supports((int(capability[0]), int(capability[1])), archs):
            text = f"{_torch(facts)} has no code for {name} (compute capability {number}), only for {' '.join(archs)}"
            remedy = "deploy on a card that this torch supports, or use an image with a torch that supports the card"
            yield Finding("architecture", "failed", text, remedy, "GpuUnusable")
            return
        yield Finding(
            "architecture", "ok", f"{name} has compute capability {number}, and {_torch(facts)} has code for it"
        )
    full = [text for text in errors.values() if text.startswith(("MemoryError", "OutOfMemoryError"))]
    if full:
        yield Finding("result", "skipped", f"{name} was busy: {full[0]}")
    elif errors:
        yield Finding("cuda", "failed", f"{name} fails: {next(iter(errors.values()))}", _ELSEWHERE, "GpuUnusable")
    yield from _result(name, device)
    yield from _speed(facts, name, device)
    yield from _copies(facts, name, device)


def _result(name: str, device: Mapping[str, Any]) -> Iterator[Finding]:
    if "worst" not in device:
        return
    worst, repeats = device["worst"], device.get("repeats")
    if worst is None or worst > 1:
        how = "it is no number" if worst is None else f"its error is {worst:.3g} times what rounding explains"
        text = f"{name} computes wrong: of a bf16 product of two matrices, {how}"
    elif repeats is False:
        text = f"{name} computes wrong: the same bf16 product twice gives two results"
    else:
        yield Finding("result", "ok", f"{name}: a bf16 product is right (error {worst:.2f} of what rounding explains)")
        return
    yield Finding("result", "failed", text, _ELSEWHERE, "GpuComputesWrong")


def _speed(facts: Facts, name: str, device: Mapping[str, Any]) -> Iterator[Finding]:
    speed, model = device.get("tflops"), model_of(name)
    if not speed:
        return
    if model is None:
        yield Finding(
            "speed", "ok", f"{name}: {speed:.0f} TFLOP/s in bf16 (a card without an entry in podkeeper's table)"
        )
        return
    share = speed / model.tflops
    article = "a" if model.title.startswith(("B", "G")) else "an"
    measured = f"{100 * share:.0f} % of {article} {model.title} ({speed:.0f} of {model.tflops:.0f} TFLOP/s in bf16)"
    if share >= model.slow:
        yield Finding("speed", "ok", f"{name} gives {measured}")
        return
    card = _of(facts.loaded, device)
    why = card.slowdown if card else ""
    if (
        not why
        and card
        and card.power_limit
        and card.default_power_limit
        and card.power_limit < card.default_power_limit
    ):
        why = f"a power limit of {card.power_limit:.0f} W, where {card.default_power_limit:.0f} W is usual"
    text = f"{name} gives {measured}: {f'slowed down by {why}' if why else 'throttled or shared'}"
    yield Finding(
        "speed", "warning", text, f"run `podkeeper gpu --again` while nothing computes; else {_ELSEWHERE}", "GpuSlow"
    )


def _copies(facts: Facts, name: str, device: Mapping[str, Any]) -> Iterator[Finding]:
    speed = device.get("to_device")
    if not speed:
        return
    card = _of(facts.loaded, device) or _of(facts.idle, device)
    text = f"{name}: {speed:.1f} GB/s from pinned memory, {device.get('from_device', 0):.1f} GB/s back"
    if card and card.generation and card.width:
        best = f" of {card.max_generation} x{card.max_width}"
        now = f"PCIe {card.generation} x{card.width}"
        reduced = link_speed(card.generation, card.width) < link_speed(card.max_generation, card.max_width)
        text += f", {now}{best if reduced else ''}"
    if card and slow_copies(speed, card.max_generation, card.max_width):
        remedy = f"models that do not fit into the GPU's memory are slow here: {_ELSEWHERE}"
        yield Finding("copies", "warning", f"{text}: slow", remedy, "GpuSlow")
    else:
        yield Finding("copies", "ok", text)


def _memory(facts: Facts) -> Iterator[Finding]:
    """What other processes use of the first GPU, where ComfyUI is; of the others all that is in use."""
    for index, card in enumerate(facts.idle):
        if not card.memory_used or not card.memory_total:
            continue
        if not index and facts.comfyui_memory is None:
            continue  # ComfyUI may be what uses it
        own = (facts.comfyui_memory or 0) + _CONTEXT if not index else _CONTEXT
        others = card.memory_used - own
        used = f"{card.name}: {card.memory_used / GIB:.1f} of {card.memory_total / GIB:.0f} GiB are in use"
        if others > _SHARED * card.memory_total:
            text = f"{used}, {others / GIB:.1f} GiB of them by a process that is not ComfyUI"
            remedy = f"end notebooks and terminals that use the GPU; where none does, the card is shared: {_ELSEWHERE}"
            yield Finding("memory", "warning", text, remedy, "GpuShared")
        else:
            yield Finding("memory", "ok", used)


def _faults(facts: Facts) -> Iterator[Finding]:
    cards = facts.loaded or facts.idle
    for card in cards:
        found = [f"{card.uncorrectable} uncorrectable memory error(s)"] if card.uncorrectable else []
        found += [card.retired] if card.retired else []
        if found:
            yield Finding("errors", "warning", f"{card.name} reports {' and '.join(found)}", _ELSEWHERE, "GpuFaulty")
        elif card.slowdown:
            text = f"{card.name} lowers its clocks because of {card.slowdown} (at {card.temperature or 0:.0f} °C)"
            yield Finding("errors", "warning", text, _ELSEWHERE, "GpuSlow")
        else:
            ecc = "no ECC" if card.uncorrectable is None else "no uncorrectable memory error"
            yield Finding("errors", "ok", f"{card.name} reports {ecc} and no slowdown")


def _of(cards: Iterable[Card], device: Mapping[str, Any]) -> Card | None:
    """The card that is this device: by its UUID, which torch gives without the `GPU-`; else the only one."""
    known = list(cards)
    uuid = str(device.get("uuid") or "")
    same = [card for card in known if uuid and card.uuid.removeprefix("GPU-") == uuid.removeprefix("GPU-")]
    return same[0] if same else known[0] if len(known) == 1 else None
