"""A: checks the GPUs, and which attention is right and fastest on them: report, conditions, and the kept verdict.

The report is `gpu.json` among the reports: at (seconds since 1970), seconds, state, findings (`findings.Finding`),
driver, cards (nvidia-smi's, under load where the probe ran), probe and attention_probe (what they printed, without
nvidia-smi's XML), attention (the verdict), attention_kept (whether it was found at an earlier start) and disk
(`system.disk_speed`, bytes a second).
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict
from typing import Any

from entrypoint.conditions.registry import cleared_by
from entrypoint.gpu import attention, smi
from entrypoint.gpu.command import run_command
from entrypoint.gpu.evaluate import Facts, evaluate
from entrypoint.gpu.findings import Finding, conditions, with_cost, worst
from entrypoint.gpu.host_speed import disk_finding, is_fresh, network_finding
from entrypoint.gpu.run_probe import ATTENTION_PROBE, PROBE, Probed, run_probe
from entrypoint.gpu.verdicts import PACKAGES, keep_verdict, key_of, last_launch, read_verdict
from entrypoint.gpu.visible import gpu_visible, shows_a_gpu
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system import disk_speed
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import read_table, write_json
from entrypoint.system.loopback_http import get_json

#: The program of supervisord that the conditions belong to.
PROGRAM = "gpu"
#: Seconds: of a probe, which is done in 5 to 10 (the rest is for an import of torch from a slow disk); of the
#: attention's, where Triton compiles kernels; of nvidia-smi.
PROBE_S, ATTENTION_S, _SMI_S, _PYTHON_S = 60.0, 180.0, 10.0, 60.0
NOTHING = Finding("cuda", "skipped", "no GPU is visible, so there is nothing to check")


def check(settings: Settings, paths: Paths, python: str, *, again: bool = False) -> dict[str, Any]:
    """Check, write the report, raise and clear the conditions; returns the report. Waits for a check that runs.

    Args:
        settings: The pod's.
        paths: The pod's.
        python: The Python that runs ComfyUI.
        again: Whether the attention is measured although a verdict is kept.

    Raises:
        OSError: The runtime folder refuses.
    """
    os.makedirs(paths.reports, exist_ok=True)  # a check without a pod
    with open(f"{paths.reports}/gpu.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two checks at a time would find the card slow
        return _check(settings, paths, python, again=again)


def _check(settings: Settings, paths: Paths, python: str, *, again: bool) -> dict[str, Any]:
    began, at = time.monotonic(), time.time()
    report: dict[str, Any] = {"at": at}
    driver, idle = _smi()
    if not (gpu_visible() or (idle and shows_a_gpu(os.environ.get("CUDA_VISIBLE_DEVICES"), len(idle)))):
        return _publish(paths, report, [NOTHING], began)
    memory = _comfyui_memory(settings)
    probed = run_probe(python, PROBE, PROBE_S)
    driver_loaded, loaded = smi.parse(str(probed.found.pop("smi", "")))
    facts = Facts(
        found=probed.found, ended=probed.ended, driver=driver or driver_loaded, idle=idle, loaded=loaded,
        comfyui_memory=memory,
    )  # fmt: skip
    findings = evaluate(facts)
    report |= {"driver": facts.driver, "cards": [asdict(card) for card in loaded or idle], "probe": probed.found}
    if worst(findings) == "failed" or probed.found.get("hip"):
        return _publish(paths, report, findings, began)
    report["measured_s"] = round(time.monotonic() - began, 1)
    _publish(paths, report, findings, began)
    verdict = _attention(paths, python, report, again=again)
    running = last_launch(paths)[1]
    findings += attention.findings(verdict, setting=settings.attention, running=running)
    _publish(paths, report, findings, began)
    report["disk"] = _disk(paths)
    return _with_network(paths, _publish(paths, report, [*findings, disk_finding(report["disk"], paths.stored)], began))


def read_report(paths: Paths) -> dict[str, Any]:
    """The last report, with what the downloads have measured until now; {}: there is none."""
    return _with_network(paths, read_table(f"{paths.reports}/gpu.json"))


def _with_network(paths: Paths, report: dict[str, Any]) -> dict[str, Any]:
    rows = report.get("findings")
    if not isinstance(rows, list) or "disk" not in report:  # no report of a GPU that works
        return report
    found = network_finding(read_table(f"{paths.reports}/models.json"))
    return report | {"findings": [*rows, *(asdict(finding) for finding in found)]}


def _disk(paths: Paths) -> dict[str, Any]:
    """The speeds of the models' disk: of the last ten minutes, else measured now."""
    kept, now = f"{paths.reports}/disk-speed.json", time.time()
    found = read_table(kept)
    if not is_fresh(found, now):
        found = {"at": now, **disk_speed.measure(paths.stored)}
        write_json(kept, found)
    return found


def _publish(paths: Paths, report: dict[str, Any], findings: list[Finding], began: float) -> dict[str, Any]:
    found = with_cost(conditions(findings), read_table(f"{paths.reports}/meter.json"))
    for name in cleared_by(PROGRAM) - {condition.name for condition in found}:
        clear_condition(paths.runtime, name)
    for condition in found:
        if raise_condition(paths.runtime, condition):
            print(str(condition), flush=True)
    report |= {"seconds": round(time.monotonic() - began, 1), "state": worst(findings)}
    report["findings"] = [asdict(finding) for finding in findings]
    write_json(f"{paths.reports}/gpu.json", report)
    return report


def _attention(paths: Paths, python: str, report: dict[str, Any], *, again: bool) -> attention.Verdict:
    """The kept verdict, else a new one, which is kept where it can be."""
    versions = run_versions(python)
    key = key_of(versions)
    kept = None if again else read_verdict(paths, key)
    probed = Probed({}, "")
    if kept is None:
        probed = run_probe(python, ATTENTION_PROBE, ATTENTION_S)
    verdict = kept or attention.decide(probed.found, probed.ended)
    if key and kept is None and verdict.kept:
        try:
            keep_verdict(paths, key, verdict)
        except OSError as error:
            print(f"gpu: the verdict on the attention is not kept: {error}", flush=True)
    report |= {"attention": asdict(verdict), "attention_kept": kept is not None, "attention_key": key}
    report["attention_probe"] = probed.found
    return verdict


def run_versions(python: str) -> dict[str, str]:
    """The versions of PACKAGES in this Python; {} where it does not run."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        "def v(n):\n try: return m.version(n)\n except m.PackageNotFoundError: return ''\n"
        "print('\\n' + json.dumps({n: v(n) for n in sys.argv[1:]}))"
    )
    try:
        ended = run_command([python, "-I", "-c", code, *PACKAGES], _PYTHON_S)
        found = json.loads(ended.output.splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return {}
    return {name: str(found.get(name, "")) for name in PACKAGES}


def _smi() -> tuple[str, tuple[smi.Card, ...]]:
    try:
        ended = run_command(["nvidia-smi", "-q", "-x"], _SMI_S)
    except OSError:
        return "", ()
    return smi.parse(ended.output)


def _comfyui_memory(settings: Settings) -> int | None:
    comfyui = service_named("comfyui")
    stats = get_json(comfyui.port(settings), comfyui.health_path, 3)
    devices = stats.get("devices") if isinstance(stats, dict) else None
    first = devices[0] if isinstance(devices, list) and devices and isinstance(devices[0], dict) else {}
    reserved = first.get("torch_vram_total")
    return reserved if isinstance(reserved, int) else None
