"""A: collects facts about the machine: clock, memory, disks, the volume, name resolution, the GPU, packages."""

from __future__ import annotations

import importlib.metadata as metadata
import json
import os
import socket
import subprocess
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import entrypoint
from entrypoint.comfyui.installation import present
from entrypoint.conditions.condition import CannotDo
from entrypoint.gpu.findings import findings_of
from entrypoint.gpu.preflight import read_report
from entrypoint.gpu.visible import gpu_visible
from entrypoint.settings.services import SERVICES
from entrypoint.system import cgroup
from entrypoint.system.attach import Pod
from entrypoint.system.loopback_http import get_json
from entrypoint.system.privileges import powers, service_identity_of
from entrypoint.volumes import write_probe
from entrypoint.volumes.diagnosis import conditions

#: Seconds; each less than its check's deadline, so that no process outlives the check.
_TORCH_TIMEOUT, _TOOL_TIMEOUT = 55, 8
_TORCH = (
    "import json, torch; c = torch.cuda; print(json.dumps({'torch': torch.__version__, 'built_for': "
    "torch.version.cuda or '', 'usable': c.is_available(), 'count': c.device_count()}))"
)


def clock(pod: Pod) -> dict[str, Any]:
    """Collect three times in seconds since 1970: the machine's, the volume server's, and that of the image's build."""
    probe = os.path.join(pod.paths.stored, write_probe.PREFIX + os.urandom(6).hex())
    volume = 0.0
    try:
        with open(probe, "xb") as file:
            file.write(b"x")
        volume = os.stat(probe).st_mtime
        os.unlink(probe)
    except OSError:
        pass  # the check `volume` reports the reason
    return {
        "now": time.time(),
        "volume": volume,
        "built": os.stat(entrypoint.__path__[0] + "/__init__.py").st_mtime,
    }


def memory(pod: Pod) -> dict[str, Any]:
    """Collect the pod's cgroup: bytes used, its limit (0: none), and the number of OOM kills."""
    own = cgroup.find()
    if own is None:
        return {"limit": 0, "used": 0, "oom_kills": 0}
    return {"limit": own.limit() or 0, "used": own.used(), "oom_kills": own.oom_kills()}


def disk(pod: Pod) -> dict[str, Any]:
    """Collect the space of each disk the pod writes to: {folder: [free bytes, total bytes, free inodes or -1]}."""
    folders = (pod.paths.stored, pod.paths.log, pod.paths.runtime, pod.paths.home, "/tmp")  # noqa: S108
    disks: dict[str, list[int]] = {}
    devices: set[int] = set()
    for folder in folders:
        try:
            device, found = os.stat(folder).st_dev, os.statvfs(folder)
        except FileNotFoundError:
            continue
        if device not in devices:  # one line a disk, also where it holds several folders
            devices.add(device)
            inodes = found.f_favail if found.f_files else -1
            disks[folder] = [found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, inodes]
    return {"disks": disks}


def volume(pod: Pod) -> dict[str, Any]:
    """Run a write probe on the data folder; collect its conditions as [[name, reason, remedy]]."""
    result = write_probe.probe(pod.paths.stored, service_identity_of(pod.settings), powers())
    found = conditions(pod.paths.stored, result)
    return {"conditions": [[each.name, each.reason, each.remedy] for each in found], "ms": result.milliseconds}


def dns(pod: Pod) -> dict[str, Any]:
    """Resolve the host that models are downloaded from."""
    host = urlsplit(pod.settings.hf_endpoint).hostname or ""
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        return {"host": host, "problem": error.strerror or str(error)}
    return {"host": host, "address": str(found[0][4][0])}


def gpu(pod: Pod) -> dict[str, Any]:
    """Collect the GPU as the kernel, the driver and ComfyUI (or its torch, while ComfyUI does not answer) see it."""
    facts: dict[str, Any] = {
        "visible": gpu_visible(),
        "promised": os.environ.get("RUNPOD_GPU_COUNT", pod.environ.get("RUNPOD_GPU_COUNT", "")),
        "driver": _nvidia_smi(),
    }
    (comfyui,) = [service for service in SERVICES if service.name == "comfyui"]
    stats = get_json(comfyui.port(pod.settings), comfyui.health_path, 3)
    if isinstance(stats, dict) and stats.get("devices"):
        facts["computes_on"] = str(stats["devices"][0].get("type", ""))
        facts["torch"] = str(stats.get("system", {}).get("pytorch_version", ""))
    elif facts["visible"]:
        facts |= _torch(pod)
    return facts


def gpu_check(pod: Pod) -> dict[str, Any]:
    """Collect the last check of the GPUs, which the program `gpu` and `podkeeper gpu --again` make."""
    report = read_report(pod.paths)
    return {"findings": [asdict(each) for each in findings_of(report)], "at": report.get("at")}


def _nvidia_smi() -> list[str]:
    """Return [name, driver version, newest CUDA version] of the first GPU; [] where nvidia-smi is missing or fails."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        line = _output(query).splitlines()[0]
        head = _output(["nvidia-smi"])
    except (OSError, subprocess.SubprocessError, IndexError):
        return []
    cuda = head.partition("CUDA Version:")[2].split("|")[0].strip()
    return [*(part.strip() for part in line.split(",")[:2]), cuda]


def _torch(pod: Pod) -> dict[str, Any]:
    try:
        source = present(pod.settings)
        facts: dict[str, Any] = json.loads(_output([source.python, "-I", "-c", _TORCH], _TORCH_TIMEOUT))
    except (CannotDo, OSError, ValueError, subprocess.SubprocessError) as error:
        return {"torch_problem": f"{type(error).__name__}: {error}"[:200]}
    return facts


def _output(command: list[str], timeout: float = _TOOL_TIMEOUT) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=timeout).stdout


def packages(pod: Pod) -> dict[str, Any]:
    """Collect versions, and what JupyterLab and supervisord need but lack (after `pip install` in a terminal)."""
    versions: dict[str, str] = {}
    wrong: list[str] = []
    queue = ["jupyterlab", "jupyter-server", "jupyter-server-terminals", "supervisor", "tornado", "psutil"]
    shown = set(queue)
    visited: set[str] = set()
    while queue:
        name = queue.pop(0)
        if name in visited:
            continue
        visited.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is not installed")
            continue
        if name in shown:
            versions[name] = found.version
        queue += _requirements(name, found, wrong)
    return {"versions": versions, "wrong": wrong}


def _requirements(name: str, found: metadata.Distribution, wrong: list[str]) -> list[str]:
    """Return the names of the packages that `name` requires here; append version conflicts to `wrong`."""
    from packaging.requirements import Requirement

    names = []
    for text in found.requires or []:
        need = Requirement(text)
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        names.append(need.name)
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            continue  # `packages` reports it when it visits that name
        if not need.specifier.contains(version, prereleases=True):
            wrong.append(f"{name} needs {need.name}{need.specifier}, found {version}")
    return names
