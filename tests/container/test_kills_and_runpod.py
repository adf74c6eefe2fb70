"""Pods whose memory runs out, whose processes are killed, or that run on RunPod without a GPU."""

from __future__ import annotations

import json
import re

from tests.support.checkout import SUPPORT
from tests.support.container.engine import TOKEN, Container, docker, running
from tests.support.container.log_check import unexpected
from tests.support.waiting import wait_until

GREEDY = SUPPORT / "container/greedy_comfyui"


def pid_of(pod: Container, module: str) -> int:
    """The pid (as the machine sees it) of the process that runs `module`, or 0."""
    for line in docker("top", pod.id, "-eo", "pid,args").stdout.splitlines()[1:]:
        if f"-m {module}" in line:
            return int(line.split()[0])
    return 0


def test_comfyui_killed_for_memory_is_reported_as_such_and_jupyterlab_is_unharmed(
    image_with_comfyui: str,
) -> None:
    """A real OOM kill in a container limited to 512 MiB."""
    options = ("--memory", "512m", "--memory-swap", "512m", "--env", "COMFYUI_DIR=/opt/greedy")
    with running(image_with_comfyui, *options, "--volume", f"{GREEDY}:/opt/greedy:ro") as pod:
        pod.wait_for_log("ComfyUI is up")
        restarts = json.loads(pod.run("cat /run/podkeeper/restarts.json"))["restarts"]
        assert [(entry["program"], entry["kind"]) for entry in restarts] == [("comfyui", "oom")]
        oom = "comfyui: killed by SIGKILL: out of memory (the kernel's OOM killer); restart #1 in 0.0 s"
        assert f"WARN {oom}" in pod.log
        assert unexpected(pod.log, oom, "WARN exited: comfyui (terminated by SIGKILL; not expected)") == []
        pod.wait_for_jupyter()
        assert pod.run("cat /var/log/jupyter.log").count("is running at:") == 1
        assert pod.inspect("{{.RestartCount}} {{.State.Running}}") == "0 true"


def test_a_killed_jupyterlab_is_back_with_the_same_login(image: str) -> None:
    with running(image, "--env", "COMFYUI_ENABLED=false") as pod:
        pod.wait_for_jupyter()
        first = pid_of(pod, "entrypoint.jupyter")
        pod.run("kill -9 $(pgrep -f '[e]ntrypoint.jupyter$')")
        wait_until(lambda: pid_of(pod, "entrypoint.jupyter") not in (0, first), 10, "another one runs")
        pod.wait_for_jupyter()
        assert pod.jupyter("/api/contents")["type"] == "directory"


def test_runpods_variables_give_the_public_address_and_its_api_key_stays_hidden(image: str) -> None:
    options = [
        f"--env={name}={text}"
        for name, text in {
            "RUNPOD_POD_ID": "abc123",
            "RUNPOD_API_KEY": "s3cret-key",
            "RUNPOD_REST_URL": "http://127.0.0.1:9",
            "RUNPOD_GPU_COUNT": "0",
            "RUNPOD_DC_ID": "EU-RO-1",
            "RUNPOD_PUBLIC_IP": "203.0.113.7",
            "RUNPOD_TCP_PORT_22": "10022",
            "PUBLIC_KEY": "ssh-ed25519 AAAA me",
            "JUPYTER_TOKEN": "",
            "JUPYTER_PASSWORD": TOKEN,
            "COMFYUI_ENABLED": "false",
        }.items()
    ]
    with running(image, *options) as pod:
        pod.wait_for_log("  Logs ")
        assert f"https://abc123-8189.proxy.runpod.net/lab?token={TOKEN}" in pod.log
        assert unexpected(pod.log) == []
        assert pod.jupyter("/api/contents")["type"] == "directory"
        seen = pod.run("cat /proc/1/environ /proc/$(pgrep -f '[e]ntrypoint.jupyter$')/environ | tr '\\0' '\\n'")
        assert "RUNPOD_POD_ID=abc123" in seen
        assert not re.search(rf"s3cret|{TOKEN}", seen)
