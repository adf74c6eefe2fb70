"""A: the table of checks, in the order of causes: what breaks other things comes before them."""

from __future__ import annotations

from entrypoint.doctor import (
    judge_jupyter,
    judge_machine,
    judge_services,
    look_jupyter,
    look_machine,
    look_services,
)
from entrypoint.doctor.check import Check

_REPORT = "restart the pod; if it stays so, report it with a bundle: podkeeper doctor --bundle FILE.tar.gz"
_VOLUME = "the volume does not answer: wait a minute, then restart the pod"
_JUPYTER = "podkeeper logs jupyter; podkeeper restart jupyter"
_NAMES = (
    "look at /etc/resolv.conf: its servers do not answer; restart the pod, or switch private networking off"
)

CHECKS = (
    Check("supervisord", look_services.supervisor, judge_services.supervisor, 5, _REPORT),
    Check("volume", look_machine.volume, judge_machine.volume, 8, _VOLUME),
    Check("disk", look_machine.disk, judge_machine.disk, 5, _VOLUME, after=("volume",)),
    Check("memory", look_machine.memory, judge_machine.memory, 5, _REPORT),
    Check("clock", look_machine.clock, judge_machine.clock, 5, _VOLUME, after=("volume",)),
    Check("packages", look_machine.packages, judge_machine.packages, 20, _REPORT),
    Check("jupyter-config", look_jupyter.configuration, judge_jupyter.configuration, 15,
          "a configuration file of yours does not end: look at jupyter_lab_config.py", after=("supervisord",)),
    Check("ports", look_services.ports, judge_services.ports, 10, _REPORT, after=("supervisord",)),
    Check("conditions", look_services.conditions, judge_services.conditions, 5, _REPORT, after=("supervisord",)),
    Check("programs", look_services.programs, judge_services.programs, 5, _REPORT, after=("supervisord",)),
    Check("services", look_services.answers, judge_services.answers, 10, _REPORT,
          after=("supervisord", "programs", "ports")),
    Check("jupyter-proxy", look_jupyter.server, judge_jupyter.server, 20, _JUPYTER,
          after=("supervisord", "volume", "programs", "ports", "jupyter")),
    Check("terminal", look_jupyter.terminal, judge_jupyter.terminal, 20, _JUPYTER,
          after=("supervisord", "volume", "programs", "ports", "jupyter", "jupyter-proxy", "packages")),
    Check("comfyui-proxy", look_services.comfyui_by_proxy, judge_services.comfyui_by_proxy, 10,
          "podkeeper logs gateway; podkeeper restart gateway", after=("supervisord", "programs", "ports", "gateway")),
    Check("gpu", look_machine.gpu, judge_machine.gpu, 60, "run nvidia-smi: the driver does not answer"),
    Check("dns", look_machine.dns, judge_machine.dns, 10, _NAMES),
    Check("jupyter-log", look_services.log, judge_jupyter.log, 5, _VOLUME, after=("supervisord",)),
)  # fmt: skip
