"""A: the table of checks, in the order of causes: a check stands before the checks that its failure would break."""

from __future__ import annotations

from entrypoint.doctor import (
    collect_jupyter,
    collect_machine,
    collect_services,
    evaluate_jupyter,
    evaluate_machine,
    evaluate_services,
)
from entrypoint.doctor.check import Check

_REPORT = "restart the pod; if that does not help, report it with a bundle: podkeeper doctor --bundle FILE.tar.gz"
_VOLUME = "the volume does not respond: wait a minute, then restart the pod"
_JUPYTER = "podkeeper logs jupyter; podkeeper restart jupyter"
_NAMES = "the name servers in /etc/resolv.conf do not respond: restart the pod, or switch private networking off"

CHECKS = (
    Check("supervisord", collect_services.supervisor, evaluate_services.supervisor, 8, _REPORT),
    Check("volume", collect_machine.volume, evaluate_machine.volume, 8, _VOLUME,
          as_root=True),  # only root can try to give a file away; the rest of the write probe drops
    Check("disk", collect_machine.disk, evaluate_machine.disk, 5, _VOLUME, after=("volume",)),
    Check("memory", collect_machine.memory, evaluate_machine.memory, 5, _REPORT),
    Check("clock", collect_machine.clock, evaluate_machine.clock, 5, _VOLUME, after=("volume",)),
    Check("packages", collect_machine.packages, evaluate_machine.packages, 20, _REPORT),
    Check("jupyter-config", collect_jupyter.configuration, evaluate_jupyter.configuration, 15,
          "loading one of your Jupyter configuration files timed out: check jupyter_lab_config.py",
          after=("supervisord",)),
    Check("ports", collect_services.ports, evaluate_services.ports, 10, _REPORT, after=("supervisord",),
          as_root=True),  # whose a listening socket is; only /proc is read
    Check("conditions", collect_services.conditions, evaluate_services.conditions, 5, _REPORT, after=("supervisord",)),
    Check("programs", collect_services.programs, evaluate_services.programs, 5, _REPORT, after=("supervisord",)),
    Check("services", collect_services.services, evaluate_services.services, 10, _REPORT,
          after=("supervisord", "programs", "ports")),
    Check("jupyter-proxy", collect_jupyter.server, evaluate_jupyter.server, 20, _JUPYTER,
          after=("supervisord", "volume", "programs", "ports", "jupyter")),
    Check("terminal", collect_jupyter.terminal, evaluate_jupyter.terminal, 20, _JUPYTER,
          after=("supervisord", "volume", "programs", "ports", "jupyter", "jupyter-proxy", "packages")),
    Check("comfyui-proxy", collect_services.comfyui_by_proxy, evaluate_services.comfyui_by_proxy, 10,
          "podkeeper logs gateway; podkeeper restart gateway", after=("supervisord", "programs", "ports", "gateway")),
    Check("gpu", collect_machine.gpu, evaluate_machine.gpu, 60, "the driver does not respond: run nvidia-smi"),
    Check("gpu-check", collect_machine.gpu_check, evaluate_machine.gpu_check, 5, _REPORT, after=("gpu",)),
    Check("dns", collect_machine.dns, evaluate_machine.dns, 10, _NAMES),
    Check("jupyter-log", collect_services.log, evaluate_jupyter.log, 5, _VOLUME, after=("supervisord",)),
)  # fmt: skip
