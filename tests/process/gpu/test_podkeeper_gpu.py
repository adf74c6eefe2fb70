"""`podkeeper gpu` on stand-ins of hosts, by the real runner: each kind of bad host is a condition with a remedy."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.preflight import collect
from entrypoint.gpu.preflight import check
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.gpu_host import SAGE, install_sage, install_smi, make_python, set_mode

RIGHT_AND_FAST, RIGHT_AND_SLOW = SAGE.format(ms=4, factor=1.01), SAGE.format(ms=9.5, factor=1.0)
WRONG = SAGE.format(ms=4, factor=1.05)


class Host:
    """A folder of a pod whose ComfyUI has the stand-in for torch."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.environment = folder, folder / "pod", folder / "pod/comfyui-env"
        (self.home / "comfyui-source").mkdir(parents=True)
        (self.home / "comfyui-source/main.py").touch()
        self.python = make_python(self.environment)
        install_smi(folder / "bin")
        (self.home / "run/reports").mkdir(parents=True)
        speeds = {"at": time.time(), "folder": "/volume", "write": 100e6, "read": 200e6, "mapped": 150e6}
        (self.home / "run/reports/disk-speed.json").write_text(json.dumps(speeds))  # so recent that it is used again
        self.environ = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "PODKEEPER_HOME": str(self.home)}

    def gpu(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from entrypoint.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-I", "-c", code, "gpu", *arguments]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60, check=False)

    def conditions(self) -> dict[str, str]:
        folder = self.home / "run/conditions"
        return {path.stem: json.loads(path.read_text())["reason"] for path in folder.glob("*.json")}

    @property
    def paths(self) -> Paths:
        facts = Facts(mounts=frozenset(), uid=os.getuid(), temporary="/tmp", python=sys.executable)
        return locate(Settings(home=str(self.home)), facts)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_healthy_host_passes_and_every_number_is_in_the_report(host: Host) -> None:
    ended = host.gpu("--again")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert host.conditions() == {}
    assert "95 % of an RTX 4090 (157 of 165 TFLOP/s in bf16)" in ended.stdout
    assert "26.8 GB/s from pinned memory" in ended.stdout
    assert "/volume writes 100 MB/s, reads 200 MB/s, 150 MB/s through mmap" in ended.stdout
    assert host.gpu().stdout == ended.stdout
    report = json.loads(host.gpu("--json").stdout)
    assert report["state"] == "ok"
    assert report["probe"]["devices"][0]["tflops"] == 157.1
    assert report["cards"][0]["uuid"] == "GPU-aaaa"


def test_the_disk_is_measured_and_the_network_is_as_fast_as_the_downloads_were(host: Host) -> None:
    reports = host.home / "run/reports"
    (reports / "disk-speed.json").unlink()
    ended = host.gpu("--again")
    assert re.search(r"disk +\S+/pod/comfyui writes [\d.]+ MB/s, reads [\d.]+ MB/s, [\d.]+ MB/s through", ended.stdout)
    assert "network" not in ended.stdout
    (reports / "models.json").write_text(json.dumps({"state": "running", "fastest_bytes_per_second": 98e6}))
    assert "models were downloaded at up to 98 MB/s" in host.gpu().stdout


class Bad(NamedTuple):
    """A bad host: torch's mode, nvidia-smi's changes, sageattention's code; what is reported of it."""

    mode: dict[str, Any]
    smi: dict[str, Any]
    condition: str
    words: str
    code: int
    sage: str = ""


BAD = {
    "CUDA does not start": Bad({"fails": "init"}, {}, "GpuUnusable", "CUDA does not start on NVIDIA GeForce", 1),
    "CUDA crashes": Bad({"fails": "abort"}, {}, "GpuUnusable", "ended by SIGABRT in the step 'GPU 0 product'", 1),
    "torch is built without CUDA": Bad({"fails": "no cuda"}, {}, "GpuUnusable", "is built without CUDA", 1),
    "an architecture without code": Bad(
        {"capability": [6, 1]}, {}, "GpuUnusable", "has no code for NVIDIA GeForce RTX 4090 (compute", 1),
    "an old driver": Bad(
        {"fails": "init"}, {"driver": "520.61.05"}, "GpuDriverOld", "CUDA 12.8 needs 570.26 or newer", 1),
    "a wrong result": Bad({"fails": "wrong"}, {}, "GpuComputesWrong", "times what rounding explains", 1),
    "no number": Bad({"fails": "nan"}, {}, "GpuComputesWrong", "it is no number", 1),
    "results that differ": Bad({"fails": "differs"}, {}, "GpuComputesWrong", "twice gives two results", 1),
    "a wrong attention of PyTorch's": Bad(
        {"sdpa_factor": 1.05}, {}, "GpuComputesWrong", "PyTorch's attention computes wrong: Wan", 1),
    "a slow card": Bad({"product_ms": 18}, {}, "GpuSlow", "37 % of an RTX 4090", 3),
    "a low power limit": Bad({"product_ms": 18}, {"watts": 200}, "GpuSlow", "a power limit of 200 W", 3),
    "a hot card": Bad({}, {"hot": "Active"}, "GpuSlow", "because of heat (at 61 °C)", 3),
    "slow copies": Bad({"copy_ms": 100}, {"generation": 1}, "GpuSlow", "PCIe 1 x16 of 4 x16: slow", 3),
    "uncorrectable errors": Bad({}, {"ecc": 2}, "GpuFaulty", "2 uncorrectable memory error(s)", 3),
    "a row to be remapped": Bad({}, {"remap": "Yes"}, "GpuFaulty", "waits to be replaced", 3),
    "a wrong sageattention": Bad({}, {}, "AttentionKernelWrong", "computes wrong on this GPU (Wan: error 0.05", 3,
                                WRONG),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))
def test_a_bad_host_is_a_condition_until_it_is_good(bad: Bad, host: Host) -> None:
    set_mode(host.environment, **bad.mode)
    install_smi(host.folder / "bin", **bad.smi)
    if bad.sage:
        install_sage(host.environment, bad.sage)
    ended = host.gpu("--again")
    assert ended.returncode == bad.code, ended.stdout + ended.stderr
    assert list(host.conditions()) == [bad.condition]
    assert bad.words in host.conditions()[bad.condition]
    assert "-> " in ended.stdout

    set_mode(host.environment)
    install_smi(host.folder / "bin")
    if bad.sage:
        install_sage(host.environment, RIGHT_AND_FAST)
    assert host.gpu("--again").returncode == 0
    assert host.conditions() == {}


@pytest.fixture
def comfyui() -> Iterator[int]:
    """ComfyUI's /system_stats: its torch has reserved 4 GiB."""

    class Stats(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"devices": [{"torch_vram_total": 4 << 30}]}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stats)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_gpu_that_another_process_uses_is_a_condition(host: Host, comfyui: int) -> None:
    host.environ["COMFYUI_INTERNAL_PORT"] = str(comfyui)
    install_smi(host.folder / "bin", used=5 << 10)
    assert host.gpu("--again").returncode == 0
    install_smi(host.folder / "bin", used=15 << 10)
    ended = host.gpu("--again")
    assert ended.returncode == 3, ended.stdout
    assert "9.5 GiB of them by a process that is not ComfyUI" in host.conditions()["GpuShared"]


def test_sageattention_is_used_where_it_is_right_and_faster_and_nothing_has_changed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_sage(host.environment, RIGHT_AND_FAST)
    ended = host.gpu("--again")
    assert "has 2.50 times the speed of PyTorch's; it is used from ComfyUI's next start on" in ended.stdout
    source = Source(str(host.home / "comfyui-source"), str(host.python))
    monkeypatch.setenv("PATH", host.environ["PATH"])
    assert collect(host.paths, source).attention == ""  # a ComfyUI that does not know the argument would exit 2
    (host.home / "comfyui-source/comfy").mkdir()
    (host.home / "comfyui-source/comfy/cli_args.py").write_text('add_argument("--use-sage-attention")')
    assert collect(host.paths, source).attention == "sage"
    install_sage(host.environment, RIGHT_AND_FAST, "2.2.0")
    assert collect(host.paths, source).attention == ""
    install_sage(host.environment, RIGHT_AND_FAST)
    install_smi(host.folder / "bin", driver="580.65.06")
    assert collect(host.paths, source).attention == ""


def test_a_kept_verdict_is_used_again_and_its_condition_comes_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", host.environ["PATH"])
    install_sage(host.environment, WRONG)
    assert host.gpu("--again").returncode == 3
    shutil.rmtree(host.home / "run")
    report = check(Settings(home=str(host.home)), host.paths, str(host.python))
    assert report["attention_kept"] is True
    assert list(host.conditions()) == ["AttentionKernelWrong"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "SageAttention is not installed"),
        (RIGHT_AND_SLOW, "but not 10 % faster: it has 1.05 times the speed"),
        ("import os; os.abort()", "SageAttention was ended by SIGABRT in the step 'import: sage'"),
        ("raise OSError('no such library')", "SageAttention does not run: OSError: no such library"),
        ("def sageattn(*_, **__): import os; os.abort()", "SageAttention was ended by SIGABRT in the step 'Wan: sage'"),
        ("def sageattn(*_, **__): raise RuntimeError('Failed to find C compiler')", "Failed to find C compiler"),
    ],
)  # fmt: skip
def test_pytorchs_attention_is_used_where_sageattention_is_not_better(host: Host, code: str, words: str) -> None:
    if code:
        install_sage(host.environment, code)
    ended = host.gpu("--again")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert words in ended.stdout
    assert "; PyTorch's attention is used" in ended.stdout
    assert host.conditions() == {}


def test_a_python_without_torch_is_a_failure_with_a_remedy(host: Host) -> None:
    (next((host.environment / "lib").iterdir()) / "site-packages/torch/__init__.py").write_text("import nowhere")
    ended = host.gpu("--again")
    assert ended.returncode == 1
    assert "torch cannot be imported: ModuleNotFoundError: No module named 'nowhere'" in ended.stdout
    assert "requirements.txt" in ended.stdout


def test_a_host_without_a_gpu_has_nothing_to_check(host: Host) -> None:
    (host.folder / "bin/nvidia-smi").unlink()
    ended = host.gpu("--again")
    assert ended.returncode == 4
    assert "no GPU is visible" in ended.stdout


def test_a_pod_that_was_not_checked_says_how_to_check_it(host: Host) -> None:
    ended = host.gpu()
    assert ended.returncode == 4
    assert "podkeeper gpu --again" in ended.stderr
