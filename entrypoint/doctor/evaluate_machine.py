"""P: evaluates the facts about the machine: clock, memory, disks, the volume, name resolution, packages, the GPU."""

from __future__ import annotations

from typing import Any

from entrypoint.comfyui.arguments import gpu_missing
from entrypoint.doctor.check import Facts
from entrypoint.doctor.finding import Finding, condition_finding, failed, ok, skipped, warning
from entrypoint.system.attach import Pod

MIB = 1 << 20
#: Free bytes below which a disk counts as full, and below which it is nearly full.
FULL, TIGHT = 16 * MIB, 1024 * MIB
#: Seconds a network volume's clock may differ from the machine's; TLS and model time stamps tolerate more.
SKEW = 120.0
#: The plugin in supervision/ uses internals of exactly this version (pyproject.toml).
SUPERVISOR = "4.3.0"


def clock(facts: Facts, pod: Pod) -> list[Finding]:
    """Compare the clocks: a wrong clock breaks TLS, and with TLS every download."""
    remedy = "report the machine to the provider: a container cannot set the clock"
    now, volume = facts["now"], facts["volume"]
    if now < facts["built"] - 86400:  # a day: time zones of build machines
        return [failed("clock", "the machine's clock is earlier than the build of this image", remedy)]
    if volume and abs(now - volume) > SKEW:
        seconds = f"{abs(now - volume):.0f} s"
        return [warning("clock", f"the machine's clock and the volume's differ by {seconds}", remedy)]
    return [ok("clock", "agrees with the volume's clock" if volume else "later than the build of this image")]


def memory(facts: Facts, pod: Pod) -> list[Finding]:
    """Compare memory use with the cgroup's limit, and report the OOM killer's kills."""
    limit, used, kills = facts["limit"], facts["used"], facts["oom_kills"]
    text = f"{used // MIB} MiB in use" + (f" of {limit // MIB} MiB" if limit else ", no limit")
    remedy = "close notebooks you do not need, set COMFYUI_ARGS=--cache-none, or take a pod with more memory"
    if limit and used > 0.95 * limit:
        return [warning("memory", text, remedy)]
    if kills:
        return [warning("memory", f"{text}; OOM kills so far: {kills}", remedy)]
    return [ok("memory", text)]


def volume(facts: Facts, pod: Pod) -> list[Finding]:
    """Report the conditions that the write probe found, the most severe first."""
    findings = [condition_finding("volume", name, reason, remedy) for name, reason, remedy in facts["conditions"]]
    return findings or [ok("volume", f"{pod.paths.stored} is writable ({facts['ms']} ms)")]


def disk(facts: Facts, pod: Pod) -> list[Finding]:
    """Report every disk the pod writes to that is full or nearly full."""
    remedy = "delete files you do not need (`du -xh --max-depth=2 {folder} | sort -h | tail`), or take a larger disk"
    findings = []
    for folder, (free, size, inodes) in facts["disks"].items():
        space = f"{folder}: {free // MIB} MiB free of {size // MIB}"
        if free < FULL or inodes == 0:
            why = "no inodes left" if inodes == 0 else space
            findings.append(failed("disk", f"{folder} is full: {why}", remedy.format(folder=folder)))
        elif free < TIGHT and free < 0.05 * size:
            findings.append(warning("disk", space, remedy.format(folder=folder)))
    free_space = [f"{folder}: {free // MIB} MiB free" for folder, (free, _, _) in facts["disks"].items()]
    return findings or [ok("disk", "; ".join(free_space))]


def dns(facts: Facts, pod: Pod) -> list[Finding]:
    """Report whether name resolution works: model downloads and `pip install` need it."""
    host = facts["host"]
    if facts.get("problem"):
        remedy = "check /etc/resolv.conf; private networking can break it: restart the pod, or switch that off"
        return [failed("dns", f"cannot resolve {host}: {facts['problem']}", remedy)]
    return [ok("dns", f"{host} resolves to {facts['address']}")]


def packages(facts: Facts, pod: Pod) -> list[Finding]:
    """Report packages that `pip install` or `pip uninstall` in a terminal changed or removed."""
    wrong = list(facts["wrong"])
    versions: dict[str, str] = facts["versions"]
    if versions.get("supervisor", SUPERVISOR) != SUPERVISOR:
        wrong.append(f"supervisor must be {SUPERVISOR}, found {versions['supervisor']}")
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        remedy = (
            f"{pod.paths.python} -m pip install the missing packages, or start a new pod; install your "
            "own packages into a separate environment"
        )
        return [failed("packages", wrong[0] + more, remedy)]
    return [ok("packages", ", ".join(f"{name} {version}" for name, version in sorted(versions.items())))]


def gpu(facts: Facts, pod: Pod) -> list[Finding]:
    """Report whether torch can use the GPU; if it cannot, compare its CUDA version with the driver's."""
    if not pod.settings.comfyui_enabled:
        return [skipped("gpu", "ComfyUI is switched off")]
    if any(argument.startswith("--cpu") for argument in pod.settings.comfyui_args):
        return [skipped("gpu", "COMFYUI_ARGS asks for the CPU")]
    if not facts["visible"]:
        return [_no_gpu(facts)]
    driver: list[str] = facts["driver"]
    name = f"{driver[0]}, driver {driver[1]}" if driver else "a GPU"
    torch = str(facts.get("torch", ""))
    if facts.get("computes_on") == "cpu" or facts.get("usable") is False:
        return [_unusable(facts, driver, name, torch)]
    if facts.get("torch_problem"):
        remedy = "set COMFYUI_PYTHON to the Python of ComfyUI's environment"
        return [failed("gpu", f"{name} is visible, but torch cannot be loaded: {facts['torch_problem']}", remedy)]
    return [ok("gpu", f"{name}, used by torch {torch}")]


def gpu_check(facts: Facts, pod: Pod) -> list[Finding]:
    """Report what the last check of the GPUs has found."""
    name = "gpu-check"
    found = [each for each in facts["findings"] if each["state"] in ("failed", "warning")]
    if not pod.settings.comfyui_enabled or not facts["findings"]:
        return [skipped(name, "the GPU was not checked yet; check it now: podkeeper gpu --again")]
    if found:
        return [Finding(name, each["state"], each["text"], each["remedy"], each["condition"]) for each in found]
    texts = [str(each["text"]) for each in facts["findings"] if each["check"] in ("speed", "copies", "attention")]
    return [ok(name, "; ".join(texts))] if texts else [skipped(name, facts["findings"][0]["text"])]


def _no_gpu(facts: Facts) -> Finding:
    remedy = "start the pod with a GPU (a stopped pod may come back with none), or docker run with --gpus all"
    promised = str(facts["promised"])
    if promised.isdigit() and int(promised):
        missing = gpu_missing(int(promised))
        return Finding("gpu", "failed", missing.reason, missing.remedy, missing.name)
    return Finding("gpu", "warning", "no GPU is visible: ComfyUI computes on the CPU, slowly", remedy, "NoGpu")


def _unusable(facts: Facts, driver: list[str], name: str, torch: str) -> Finding:
    built = str(facts.get("built_for", "")) or _cuda_of(torch)
    newest = driver[2] if len(driver) > 2 else ""
    if not built:
        remedy = "install torch with CUDA into ComfyUI's environment, then run: podkeeper restart comfyui"
        return failed("gpu", f"{name} is visible, but torch {torch} is built without CUDA", remedy)
    if newest and _version(built) > _version(newest):
        remedy = f"take a pod whose driver offers CUDA {built} or newer (RunPod: filter by CUDA version)"
        return failed("gpu", f"torch {torch} needs CUDA {built}, the driver offers {newest}: {name}", remedy)
    remedy = "run nvidia-smi and check its output for errors; then restart the pod"
    return failed("gpu", f"{name} is visible, but torch {torch} cannot use it", remedy)


def _cuda_of(torch: str) -> str:
    """Return the CUDA version a torch version names: `2.8.0+cu128` is built for CUDA 12.8."""
    _, _, digits = torch.partition("+cu")
    return f"{digits[:-1]}.{digits[-1]}" if digits.isdigit() and len(digits) > 1 else ""


def _version(text: str) -> list[Any]:
    return [int(part) for part in text.split(".") if part.isdigit()]
