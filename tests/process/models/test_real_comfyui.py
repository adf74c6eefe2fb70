"""The real ComfyUI sees a model that arrives while it runs, without a restart.

ComfyUI runs where COMFYUI_DIR (its code) and COMFYUI_PYTHON (a Python with its packages) are set.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entrypoint.comfyui.model_paths import local_model_paths
from entrypoint.comfyui.preflight import handover
from tests.support.file_systems import mounted, needs_mount
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod
from tests.support.ports import free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    not (os.environ.get("COMFYUI_DIR") and os.environ.get("COMFYUI_PYTHON")),
    reason="COMFYUI_DIR and COMFYUI_PYTHON are not set: no real ComfyUI here",
)


def safetensors(name: str = "one") -> bytes:
    """One tensor (github.com/huggingface/safetensors, README "Format")."""
    head = json.dumps(
        {"__metadata__": {"name": name}, "x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    ).encode()
    return struct.pack("<Q", len(head)) + head + random.Random(1).randbytes(16)


@contextlib.contextmanager
def comfyui(data: Path, *arguments: str, **environ: str) -> Iterator[int]:
    """Up, on the CPU; its port."""
    port = free_port()
    command = [
        os.environ["COMFYUI_PYTHON"], f"{os.environ['COMFYUI_DIR']}/main.py", "--cpu", "--listen", "127.0.0.1",
        "--port", str(port), "--base-directory", str(data), "--disable-auto-launch",
        "--database-url", "sqlite:///:memory:", *arguments,
    ]  # fmt: skip
    log = data.parent / "comfyui.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            start_new_session=True,
            env=os.environ | {"HOME": str(data.parent)} | environ,
        )

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        return bool(get_json(port, "/system_stats"))

    try:
        wait_until(up, 180, f"ComfyUI answers; see {log}", 0.3)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def get_json(port: int, path: str) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
            return json.load(response)
    except (OSError, ValueError):
        return None


def offered(port: int, node: str, name: str) -> list[str]:
    """What the node's menu in the browser offers."""
    given = get_json(port, f"/object_info/{node}")[node]["input"]["required"][name]
    return list(given[0] if isinstance(given[0], list) else given[1]["options"])


@pytest.mark.timeout(400)
def test_a_model_that_arrives_is_offered_without_a_restart(tmp_path: Path) -> None:
    """Also one in a folder that did not exist when ComfyUI started and looked."""
    with Origin() as origin:
        pod = Pod(tmp_path, origin)
        names = ("late.safetensors", "deep/later.safetensors")
        for name in names:
            origin.put(name.rpartition("/")[2], safetensors())
        pod.manifest("schema = 1\n[bundles.B]\n", *names)
        for folder in ("models/loras", "custom_nodes"):
            Path(pod.paths.data, folder).mkdir(parents=True)
        with comfyui(Path(pod.paths.data)) as port:
            assert offered(port, "LoraLoader", "lora_name") == []
            assert get_json(port, "/models/loras") == []
            code, text = pod.run("fetch")
            assert code == 0, text
            assert sorted(offered(port, "LoraLoader", "lora_name")) == sorted(names)
            assert sorted(get_json(port, "/models/loras")) == sorted(names)
            pod.run("rm", "B")
            assert offered(port, "LoraLoader", "lora_name") == []


@needs_mount
@pytest.mark.timeout(400)
def test_a_model_on_the_local_disk_is_offered_and_preferred_to_the_volumes(tmp_path: Path) -> None:
    with Origin() as origin, mounted("-t", "tmpfs", "tmpfs", at=tmp_path / "models-cache"):
        pod = Pod(tmp_path, origin, "a.safetensors")
        origin.put("a.safetensors", safetensors("one"))
        settings = replace(pod.settings, models_cache="local")
        paths = replace(pod.paths, models_cache=str(tmp_path / "models-cache"))
        environ = settings.to_environ() | paths.to_environ()
        for folder in ("models/loras", "custom_nodes"):
            Path(paths.data, folder).mkdir(parents=True)
        ours = [local_model_paths(paths), handover(os.environ["COMFYUI_DIR"])]
        extra = [word for path in ours for word in ("--extra-model-paths-config", path)]
        with comfyui(Path(paths.data), *extra, **environ) as port:
            volume, local = pod.installed("a.safetensors"), Path(paths.models_cache, "models/loras/a.safetensors")
            local.write_bytes(safetensors("two"))  # the local disk alone
            assert offered(port, "LoraLoader", "lora_name") == ["a.safetensors"]
            assert read_by(port) == "two"
            local.unlink()
            code, text = pod.run("fetch", **environ)
            assert (code, "is on the volume, verified there" in text) == (0, True), text
            found = local.stat()
            local.write_bytes(safetensors("two"))
            os.utime(local, ns=(found.st_atime_ns, found.st_mtime_ns))
            assert volume.read_bytes() == safetensors("one")
            assert read_by(port) == "two"
            os.utime(local)  # another file than the volume's
            assert read_by(port) == "one"


def read_by(port: int) -> str:
    """The metadata that ComfyUI reads from the file."""
    return str(get_json(port, "/view_metadata/loras?filename=a.safetensors")["name"])
