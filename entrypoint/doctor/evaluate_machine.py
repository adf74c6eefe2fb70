"""P: what was seen of the machine, as verdicts."""

from __future__ import annotations

from typing import Any

from entrypoint.conditions.registry import is_warning
from entrypoint.doctor.check import Seen
from entrypoint.doctor.finding import Verdict, failed, ok, skipped, warning
from entrypoint.system.attach import Pod

MIB = 1 << 20
#: Free bytes below which a disk counts as full, and below which it soon will.
FULL, TIGHT = 16 * MIB, 1024 * MIB
#: Seconds a network volume's clock may differ from ours; TLS and model time stamps stand more.
SKEW = 120.0
#: The plugin in supervision/ uses internals of exactly this version (pyproject.toml).
SUPERVISOR = "4.3.0"


def clock(seen: Seen, pod: Pod) -> list[Verdict]:
    """A clock that is wrong breaks TLS, and with it every download."""
    remedy = "report the machine to the provider: a container can't set the clock"
    now, volume = seen["now"], seen["volume"]
    if now < seen["built"] - 86400:  # a day: time zones of build machines
        return [failed("clock", "the machine's clock is earlier than this image's making", remedy)]
    if volume and abs(now - volume) > SKEW:
        seconds = f"{abs(now - volume):.0f} s"
        return [warning("clock", f"the machine's clock and the volume's differ by {seconds}", remedy)]
    return [ok("clock", "agrees with the volume's" if volume else "later than this image's making")]


def memory(seen: Seen, pod: Pod) -> list[Verdict]:
    """The cgroup's limit, and what the kernel has killed because of it."""
    limit, used, kills = seen["limit"], seen["used"], seen["oom_kills"]
    text = f"{used // MIB} MiB in use" + (f" of {limit // MIB} MiB" if limit else ", no limit")
    remedy = "close notebooks you do not need, set COMFYUI_ARGS=--cache-none, or take a pod with more memory"
    if limit and used > 0.95 * limit:
        return [warning("memory", text, remedy)]
    if kills:
        return [warning("memory", f"{text}; the kernel killed {kills} for lack of it", remedy)]
    return [ok("memory", text)]


def volume(seen: Seen, pod: Pod) -> list[Verdict]:
    """The write probe's conditions; the gravest first."""
    verdicts = []
    for name, reason, remedy in seen["conditions"]:
        verdicts.append(told("volume", name, reason, remedy))
    return verdicts or [ok("volume", f"{pod.paths.stored} can be written ({seen['ms']} ms)")]


def told(check: str, name: str, reason: str, remedy: str) -> Verdict:
    """A condition as the verdict of a check."""
    return Verdict(check, "warning" if is_warning(name) else "failed", f"{name}: {reason}", remedy, name)


def disk(seen: Seen, pod: Pod) -> list[Verdict]:
    """Every disk the pod writes to."""
    remedy = "delete what is not needed (`du -xh --max-depth=2 {place} | sort -h | tail`), or take a larger disk"
    verdicts = []
    for place, (free, size, inodes) in seen["rooms"].items():
        room = f"{place}: {free // MIB} MiB free of {size // MIB}"
        if free < FULL or inodes == 0:
            what = "no inodes left" if inodes == 0 else room
            verdicts.append(failed("disk", f"{place} is full: {what}", remedy.format(place=place)))
        elif free < TIGHT and free < 0.05 * size:
            verdicts.append(warning("disk", room, remedy.format(place=place)))
    if verdicts:
        return verdicts
    return [
        ok(
            "disk",
            "; ".join(f"{place}: {free // MIB} MiB free" for place, (free, _, _) in seen["rooms"].items()),
        )
    ]


def dns(seen: Seen, pod: Pod) -> list[Verdict]:
    """Model downloads and `pip install` need names."""
    host = seen["host"]
    if seen.get("problem"):
        remedy = (
            "look at /etc/resolv.conf; pods with private networking can lose names: restart the pod, or switch that off"
        )
        return [failed("dns", f"{host} has no address: {seen['problem']}", remedy)]
    return [ok("dns", f"{host} is {seen['address']}")]


def packages(seen: Seen, pod: Pod) -> list[Verdict]:
    """What `pip install` in a terminal may have changed or removed."""
    wrong = list(seen["wrong"])
    versions: dict[str, str] = seen["versions"]
    if versions.get("supervisor", SUPERVISOR) != SUPERVISOR:
        wrong.append(f"supervisor must be {SUPERVISOR}, found {versions['supervisor']}")
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        remedy = (
            f"{pod.paths.python} -m pip install what is missing, or restart the pod from its image; install your "
            "own packages into an environment of your own"
        )
        return [failed("packages", wrong[0] + more, remedy)]
    return [ok("packages", ", ".join(f"{name} {version}" for name, version in sorted(versions.items())))]


def gpu(seen: Seen, pod: Pod) -> list[Verdict]:
    """The GPU, its driver, and the CUDA that torch was built for."""
    if not pod.settings.comfyui_enabled:
        return [skipped("gpu", "ComfyUI is switched off")]
    if any(argument.startswith("--cpu") for argument in pod.settings.comfyui_args):
        return [skipped("gpu", "COMFYUI_ARGS asks for the CPU")]
    if not seen["visible"]:
        return [_no_gpu(seen)]
    driver: list[str] = seen["driver"]
    name = f"{driver[0]}, driver {driver[1]}" if driver else "a GPU"
    torch = str(seen.get("torch", ""))
    if seen.get("computes_on") == "cpu" or seen.get("usable") is False:
        return [_torch_can_not(seen, driver, name, torch)]
    if seen.get("torch_problem"):
        remedy = "set COMFYUI_PYTHON to the Python of ComfyUI's environment"
        return [failed("gpu", f"{name} is there, torch is not: {seen['torch_problem']}", remedy)]
    return [ok("gpu", f"{name}, used by torch {torch}")]


def _no_gpu(seen: Seen) -> Verdict:
    remedy = "start the pod with a GPU (a stopped pod may come back with none), or docker run with --gpus all"
    promised = str(seen["promised"])
    if promised.isdigit() and int(promised):
        text = f"no GPU can be seen, though the pod was promised {promised}"
        return Verdict("gpu", "failed", text, remedy, "NoGpu")
    return Verdict("gpu", "warning", "no GPU can be seen: ComfyUI computes on the CPU, slowly", remedy, "NoGpu")


def _torch_can_not(seen: Seen, driver: list[str], name: str, torch: str) -> Verdict:
    built = str(seen.get("built_for", "")) or _cuda_of(torch)
    newest = driver[2] if len(driver) > 2 else ""
    if not built:
        remedy = "install torch with CUDA into ComfyUI's environment, then run: podkeeper restart comfyui"
        return failed("gpu", f"{name} is there, but torch {torch} is built without CUDA", remedy)
    if newest and _version(built) > _version(newest):
        remedy = f"take a pod whose driver offers CUDA {built} or newer (RunPod: filter by CUDA version)"
        return failed("gpu", f"torch {torch} needs CUDA {built}, the driver offers {newest}: {name}", remedy)
    remedy = "run nvidia-smi and look for errors; then restart the pod"
    return failed("gpu", f"{name} is there, but torch {torch} can't use it", remedy)


def _cuda_of(torch: str) -> str:
    """`2.8.0+cu128` is built for CUDA 12.8."""
    _, _, digits = torch.partition("+cu")
    return f"{digits[:-1]}.{digits[-1]}" if digits.isdigit() and len(digits) > 1 else ""


def _version(text: str) -> list[Any]:
    return [int(part) for part in text.split(".") if part.isdigit()]
