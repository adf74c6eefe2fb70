"""The real JupyterLab and the real ComfyUI under the plugin and the prober.

ComfyUI runs where COMFYUI_DIR (its code) and COMFYUI_PYTHON (a Python with its packages) are set.
"""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.supervision.pod import Pod, alive, children, read, stays
from tests.support.supervision.prober import FAST, PROBER
from tests.support.waiting import wait_until

LONG = bool(os.environ.get("PODKEEPER_LONG"))
SAMPLING = 120 if LONG else 20
TOKEN = "test-token"
JUPYTER = """
[program:jupyter]
command={python} -I -m jupyterlab --no-browser --allow-root --port-retries=0 --port=%(ENV_TEST_PORT)s
    --ServerApp.root_dir={folder} --IdentityProvider.token=test-token
environment=HOME="{folder}",IPYTHONDIR="{folder}/ipython",JUPYTER_RUNTIME_DIR="{folder}/run"
autorestart=true
startsecs=1
stopwaitsecs=6
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={folder}/jupyter.log
"""
COMFYUI = """
[program:comfyui]
command=%(ENV_COMFYUI_PYTHON)s %(ENV_COMFYUI_DIR)s/main.py --cpu --listen 127.0.0.1 --port %(ENV_TEST_PORT)s
    --base-directory {folder}/data --disable-auto-launch --database-url sqlite:///:memory:
directory={folder}
environment=HOME="{folder}"
autorestart=unexpected
exitcodes=78
startsecs=2
stopsignal=INT
stopwaitsecs=6
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={folder}/comfyui.log
"""
REPORTS_READY = """
def report():
    import threading, time
    while "ParentPollerUnix" not in [type(each).__name__ for each in threading.enumerate() if each.is_alive()]:
        time.sleep(0.01)
    open(f"{upfolder}/kernel-{os.getpid()}", "w").close()
__import__("threading").Thread(target=report, daemon=True).start()
"""
NODE = """
import ctypes, sys, time, torch

class PodkeeperTest:
    CATEGORY, FUNCTION, RETURN_TYPES, OUTPUT_NODE = "test", "run", (), True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"what": ("STRING", {}), "seconds": ("FLOAT", {}), "seed": ("INT", {})}}

    def run(self, what, seconds, seed):
        if what == "exit":
            sys.exit(1)
        if what == "freeze":
            ctypes.PyDLL(None).sleep(int(seconds))  # PyDLL keeps the GIL
        if what == "wait":
            time.sleep(seconds)
        end = time.monotonic() + seconds
        while what == "sample" and time.monotonic() < end:
            torch.rand(256, 256) @ torch.rand(256, 256)
        return ()

NODE_CLASS_MAPPINGS = {"PodkeeperTest": PodkeeperTest}
"""


class Real:
    """A user of a real service."""

    def __init__(self, pod: Pod, name: str, port: int, path: str) -> None:
        self.pod, self.name, self.port, self.path = pod, name, port, path
        (pod.folder / "port").write_text(str(port))
        self.wait_ready()

    def wait_ready(self) -> None:
        wait_until(self.responds, 120, f"{self.name} responds", interval=0.2)
        self.pid = self.pod.program(self.name)
        line = f"process {self.pid} responds"
        wait_until(lambda: any(line in seen for seen in self.pod.lines("prober.log")), 20, line)

    def call(self, path: str, body: Any = None, timeout: float = 5) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)

    def responds(self) -> bool:
        try:
            return bool(self.call(self.path, timeout=1))
        except (OSError, ValueError):
            return False

    def tree(self) -> set[int]:
        found, todo = set(), [self.pid]
        while todo:
            pid = todo.pop()
            found.add(pid)
            todo += children_of_all_threads(pid)
        return found

    def replaced(self, harm: Callable[[], object], kind: str, within: float) -> None:
        """Do harm; the old process and its descendants must end and a new one respond."""
        old, pid, begin = self.tree(), self.pid, time.monotonic()
        before = {p: read(f"/proc/{p}/cmdline") for p in old}
        harm()
        wait_until(lambda: self.pod.info(self.name).get("pid") not in (0, None, pid), within, "replaced")
        took = time.monotonic() - begin
        assert self.pod.restarts(self.name)[-1]["kind"] == kind
        names = before
        try:
            wait_until(lambda: not [p for p in old if alive(p)], 10, "no survivors")
        except AssertionError:
            raise AssertionError(f"survivors: {[names[p] for p in old if alive(p)]}") from None
        self.wait_ready()
        print(f"{self.name}: {kind}: new process after {took:.1f} s, {len(old)} old processes gone")


def children_of_all_threads(pid: int) -> list[int]:
    tasks = os.listdir(f"/proc/{pid}/task") if alive(pid) else []
    return [int(c) for t in tasks for c in read(f"/proc/{pid}/task/{t}/children").split()]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    found = free_port()
    monkeypatch.setenv("TEST_PORT", str(found))
    return found


def prober(name: str, path: str, *fields: str) -> str:
    given = " ".join((f"path={path}", "timeout=2", *fields))
    return PROBER.format(fast=FAST, name=name, fields=given)


def test_jupyterlab_with_a_kernel_and_a_terminal(port: int) -> None:
    """kill -9, SIGSTOP and a kernel that leaks: replaced in time, no old process survives."""
    fields = ("window=8", "period=1", f"memory_limit={400 << 20}", "whole_tree=")
    with Pod(JUPYTER + prober("jupyter", "/api", *fields), settings="stable_after=0\n") as pod:
        startup = pod.folder / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "leak.py").write_text(
            f"import os\nupfolder = '{pod.folder}'\n{REPORTS_READY}"
            f"x = b'x' * (600 << 20) if os.path.exists('{pod.folder}/leak') else None\n"
        )
        jupyter = Real(pod, "jupyter", port, "/api")

        def with_kernel_and_terminal() -> None:
            # Before its parent poller runs, a kernel whose new parent is not PID 1 (supervisord is not, here) does
            # not notice that the server has died.
            up = len(list(pod.folder.glob("kernel-*")))
            jupyter.call("/api/kernels", {"name": "python3"})
            jupyter.call("/api/terminals", {})
            wait_until(lambda: len(list(pod.folder.glob("kernel-*"))) > up, 40, "the kernel is up")
            assert len(jupyter.tree()) >= 3

        with_kernel_and_terminal()
        jupyter.replaced(lambda: os.kill(jupyter.pid, signal.SIGKILL), "signal", within=2)
        with_kernel_and_terminal()
        jupyter.replaced(lambda: os.kill(jupyter.pid, signal.SIGSTOP), "hang", within=25)
        with_kernel_and_terminal()
        (pod.folder / "leak").touch()
        jupyter.replaced(lambda: jupyter.call("/api/kernels", {"name": "python3"}), "memory", within=25)


needs_comfyui = pytest.mark.skipif(
    not (os.environ.get("COMFYUI_DIR") and os.environ.get("COMFYUI_PYTHON")),
    reason="COMFYUI_DIR and COMFYUI_PYTHON are not set: no real ComfyUI here",
)


def prompt(what: str, seconds: float = 0.0) -> dict[str, Any]:
    inputs = {"what": what, "seconds": seconds, "seed": time.monotonic_ns()}
    return {"prompt": {"1": {"class_type": "PodkeeperTest", "inputs": inputs}}}


@needs_comfyui
@pytest.mark.timeout(900)
def test_comfyui(port: int) -> None:
    """kill -9, sys.exit in a node, a GIL freeze: replaced. Long sampling and a long silent wait: left alone."""
    fields = ("window=8", "period=1", "stuck=8", "queue_period=1", "stop_signal=INT", "startup_grace=600")
    conf = COMFYUI + prober("comfyui", "/system_stats", *fields)
    with Pod(conf, settings="stable_after=0\nsweep=comfyui\n") as pod:
        nodes = pod.folder / "data" / "custom_nodes"
        nodes.mkdir(parents=True)
        (nodes / "podkeeper_test.py").write_text(NODE)
        comfyui = Real(pod, "comfyui", port, "/system_stats")

        def queue(what: str, seconds: float = 0.0) -> Callable[[], object]:
            return lambda: comfyui.call("/prompt", prompt(what, seconds), timeout=30)

        comfyui.replaced(lambda: os.kill(comfyui.pid, signal.SIGKILL), "signal", within=2)
        for what in ("sample", "wait"):
            before = len(pod.restarts("comfyui"))
            queue(what, SAMPLING)()
            stays(lambda: alive(comfyui.pid), SAMPLING, "killed while working")
            wait_until(lambda: comfyui.call("/prompt")["exec_info"]["queue_remaining"] == 0, 60, "done")
            assert len(pod.restarts("comfyui")) == before
        comfyui.replaced(queue("exit"), "worker", within=40)
        comfyui.replaced(queue("freeze", 300), "hang", within=40)
        code, seconds = pod.stop()
        assert code == 0
        assert seconds < 8
        assert pod.processes() == []
        print(f"stop: {seconds:.1f} s, temp folder left: {(Path(pod.folder) / 'data' / 'temp').exists()}")


def test_children_are_found() -> None:
    """The tree walk of this file sees a child (it would otherwise prove nothing)."""
    with Pod("[program:x]\ncommand=sleep 1000\n") as pod:
        assert pod.program("x") in list(children(pod.pid))
