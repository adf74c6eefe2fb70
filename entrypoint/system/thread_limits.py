"""P: how many threads a computing program should start in this container, and whether the container allows enough.

OpenMP starts one thread for each core that it sees. A container's CPU limit (cpu.max) is a share of time and hides no
core: with more threads than cores, each parallel step waits for threads that may not run until the next period.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from entrypoint.conditions.condition import Condition

#: OpenMP's variable, which torch, OpenBLAS and numexpr read, and MKL's.
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
#: The number of processes and threads below which the pod says so. Kubernetes' and Podman's defaults are above it.
FEW_TASKS = 512
#: Processes and threads in the container for each thread of a program: torch has several pools, OpenBLAS another, and
#: notebooks are programs of their own.
_TASKS_FOR_EACH = 64


class Limits(NamedTuple):
    """What bounds the number of threads.

    Attributes:
        cores_shown: The cores that programs see and may run on.
        cores: The cores whose time the container may use; None: no limit.
        tasks: How many processes and threads the container may have (pids.max); None: no limit.
    """

    cores_shown: int
    cores: float | None = None
    tasks: int | None = None


def thread_variables(limits: Limits, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep a program from starting too many threads; {} where the user has set one, or none is
    needed."""
    if any(environ.get(name) for name in VARIABLES):
        return {}
    threads = limits.cores_shown
    if limits.cores is not None:
        threads = min(threads, int(limits.cores))  # rounded down: one thread too many has every step wait for it
    if limits.tasks is not None:
        threads = min(threads, limits.tasks // _TASKS_FOR_EACH)
    threads = max(1, threads)
    return dict.fromkeys(VARIABLES, str(threads)) if threads < limits.cores_shown else {}


def few_tasks(limits: Limits) -> list[Condition]:
    """The condition that the container allows few processes and threads, or []."""
    if limits.tasks is None or limits.tasks >= FEW_TASKS:
        return []
    reason = (
        f"this container may have {limits.tasks} processes and threads (pids.max of its cgroup): ComfyUI and notebooks "
        'may fail with "can\'t start new thread" or "Resource temporarily unavailable"'
    )
    remedy = (
        "start it with a higher limit: docker run --pids-limit -1, podman run --pids-limit 0, or podPidsLimit of "
        "Kubernetes' node; where you cannot set it, deploy the pod on another host"
    )
    return [Condition("ThreadLimitLow", reason, remedy)]


def cores_allowed(quota: str, period: str) -> float | None:
    """Cores of a CPU limit: both words of `cpu.max`, or `cpu.cfs_quota_us` and `cpu.cfs_period_us`. None: no limit."""
    try:
        allowed, of = int(quota), int(period)
    except ValueError:
        return None  # "max"
    return allowed / of if allowed > 0 and of > 0 else None
