"""Both GPU probes on a machine with a GPU, what podkeeper makes of them, and kernels that are wrong, slow or crash.

`python3 bench/gpu_device.py [FOLDER]`: with a python3 that has torch with CUDA and no other package. FOLDER holds an
unpacked sageattention wheel. Prints JSON with every figure; where $OUT is set, it is in $OUT/gpu_device.json, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from entrypoint.gpu import attention, smi  # noqa: E402 - found by the line above
from entrypoint.gpu.evaluate import Facts, evaluate  # noqa: E402
from entrypoint.gpu.findings import conditions, worst  # noqa: E402
from entrypoint.gpu.run_probe import ATTENTION_PROBE, PROBE, run_probe  # noqa: E402
from entrypoint.gpu.verdicts import key_of  # noqa: E402

HEAD = """
import os, time
import torch
def sdpa(q, k, v, tensor_layout):
    if tensor_layout == "NHD":
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return out.transpose(1, 2) if tensor_layout == "NHD" else out
def sageattn(q, k, v, tensor_layout="HND", is_causal=False, sm_scale=None, smooth_k=True, **more):
    long = 1 if tensor_layout == "NHD" else 2
    length = q.shape[long]
"""
#: Name -> the body of a `sageattn`, and what has to become of it.
FAKES = {
    "right but slow": ("    sdpa(q, k, v, tensor_layout)\n    return sdpa(q, k, v, tensor_layout)\n", "slower"),
    "scaled by 1.03": ("    return sdpa(q, k, v, tensor_layout) * 1.03\n", "wrong"),
    "without the last 64 keys": (
        "    keys = k.shape[long] - 64\n"
        "    return sdpa(q, k.narrow(long, 0, keys), v.narrow(long, 0, keys), tensor_layout)\n", "wrong"),
    "last rows not written": (
        "    out = sdpa(q, k, v, tensor_layout)\n"
        "    out.narrow(long, length // 128 * 128, length % 128).zero_()\n    return out\n", "wrong"),
    "noise of 12 %": (
        "    out = sdpa(q, k, v, tensor_layout)\n"
        "    return out + torch.randn_like(out) * out.float().std().to(out.dtype) * 0.12\n", "wrong"),
    "not a number": (
        "    out = sdpa(q, k, v, tensor_layout).clone()\n    out.view(-1)[5] = float('nan')\n"
        "    return out\n", "wrong"),
    "raises": ("    raise RuntimeError('no kernel image is available')\n", "does not run"),
    "aborts": ("    os.abort()\n", "ended"),
    "hangs": ("    while True: time.sleep(1)\n", "ended"),
}  # fmt: skip


def smi_text() -> str:
    """`nvidia-smi -q -x`, or ""."""
    try:
        return subprocess.run(["nvidia-smi", "-q", "-x"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def preflight() -> dict[str, Any]:
    """The first probe as the program `gpu` runs it, and its findings."""
    began = time.monotonic()
    driver, idle = smi.parse(smi_text())
    smi_s = time.monotonic() - began
    probed = run_probe(sys.executable, PROBE, 90)
    xml = str(probed.found.pop("smi", ""))
    loaded = smi.parse(xml)[1]
    facts = Facts(found=probed.found, ended=probed.ended, driver=driver, idle=idle, loaded=loaded, comfyui_memory=0)
    findings = evaluate(facts)
    return {
        "seconds": round(time.monotonic() - began, 2),
        "smi_seconds": round(smi_s, 2),
        "ended": probed.ended,
        "found": probed.found,
        "idle": [asdict(card) for card in idle],
        "loaded": [asdict(card) for card in loaded],
        "loaded_xml_bytes": len(xml),
        "state": worst(findings),
        "findings": [f"{each.state} {each.check}: {each.text}" for each in findings],
        "conditions": [str(each) for each in conditions(findings)],
    }


def attention_run(folder: str, timeout_s: float = 150) -> dict[str, Any]:
    """The second probe with one more folder of packages; with `-P`, because run_probe's `-I` ignores PYTHONPATH."""
    script = ROOT / "entrypoint/gpu" / ATTENTION_PROBE
    environ = os.environ | ({"PYTHONPATH": folder} if folder else {})
    began = time.monotonic()
    ended, output = "", b""
    with tempfile.TemporaryFile() as file:
        process = subprocess.Popen(
            [sys.executable, "-P", str(script)], env=environ, stdout=file, stderr=subprocess.DEVNULL
        )
        try:
            code = process.wait(timeout_s)
            ended = f"ended with exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            ended = f"did not end within {timeout_s:.0f} s"
        file.seek(0)
        output = file.read()
    lines = [line for line in output.decode().splitlines() if line.startswith("{")]
    found = json.loads(lines[-1]) if lines else {}
    verdict = attention.decide(found, ended)
    return {
        "seconds": round(time.monotonic() - began, 2),
        "verdict": asdict(verdict),
        "findings": [asdict(each) for each in attention.findings(verdict, setting="auto", running="")],
        "found": found,
    }


def outcome(run: dict[str, Any]) -> str:
    """One word on a verdict."""
    verdict = run["verdict"]
    if verdict["wrong"]:
        return "wrong"
    if verdict["use"] == attention.SAGE:
        return "faster"
    return next(
        (word for word in ("does not run", "ended", "did not end", "not checked") if word in verdict["reason"]),
        "slower",
    )


RESULT: dict[str, Any] = {"attention": {}, "caught": {}}


def keep() -> None:
    """Write what is known: the machine's time may end."""
    if os.environ.get("OUT"):
        Path(os.environ["OUT"], "gpu_device.json").write_text(json.dumps(RESULT, indent=1))


def try_attention(name: str, folder: str, timeout_s: float = 150) -> dict[str, Any]:
    """One run of the second probe, printed and kept."""
    run = RESULT["attention"][name] = attention_run(folder, timeout_s)
    print(f"{name}: {run['seconds']} s, {outcome(run)}: {run['verdict']['reason']}", flush=True)
    keep()
    return run


def main() -> int:
    """Everything; returns 1 where a fake was not caught."""
    given = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
    began = time.monotonic()
    RESULT["key"] = key_of({})
    RESULT["key_s"] = round(time.monotonic() - began, 4)
    RESULT["machine"] = {"python": sys.version, "proc": os.path.exists("/proc/driver/nvidia/version")}
    print(RESULT["machine"], RESULT["key"], RESULT["key_s"], "s")
    for turn in ("first", "second"):
        each = RESULT[f"{turn} preflight"] = preflight()
        print(f"{turn} preflight: {each['seconds']} s, {each['state']}", each["found"].get("seconds"), flush=True)
        print("\n".join([*each["findings"], *each["conditions"]]), flush=True)
        keep()
    for name in ("without sageattention", *(("real", "real, compiled") if given else ())):
        run = try_attention(name, given if name.startswith("real") else "")
        for shape in run["found"].get("shapes", []):
            print("  ", shape["name"], json.dumps(shape.get("runs")), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, (body, expected)) in enumerate(FAKES.items()):
            package = Path(folder, str(number), "sageattention")
            package.mkdir(parents=True)
            (package / "__init__.py").write_text(HEAD + body)
            run = try_attention(name, str(package.parent), 40 if name == "hangs" else 150)
            RESULT["caught"][name] = outcome(run).replace("did not end", "ended") == expected
    keep()
    print("caught", RESULT["caught"])
    return int(not all(RESULT["caught"].values()))


if __name__ == "__main__":
    sys.exit(main())
