"""P: a liveness probe on ComfyUI's log: CUDA errors with no later success, and a crashed prompt worker."""

import re
from collections.abc import Iterable

from entrypoint.supervision.exits import Reason

WORKER_CRASHED = re.compile(r"Exception in thread \S+ \(prompt_worker\)")
CUDA_ERROR = "CUDA error:"
EXECUTION_FAILED = "!!! Exception during processing !!!"
EXECUTED = "Prompt executed in"  # ComfyUI (main.py) logs this after a failed prompt, too.
IDLE_AFTER_ERROR = 30.0  # Seconds without work from a CUDA error to the kill: a next prompt may succeed.
FAILED_PROMPTS = 3  # Failed prompts in a row that prove a CUDA error sticky, even while the queue is busy.


class ComfyUILog:
    """The log of one ComfyUI process.

    After a sticky CUDA error every later prompt fails, and users ask for exactly this restart; an error that is
    followed by a success was not sticky.
    """

    def __init__(self) -> None:
        self._cuda_error: str | None = None
        self._error_at = 0.0
        self._failed = 0
        self._failing = False
        self._crashed: str | None = None

    def read(self, now: float, lines: Iterable[str]) -> None:
        """Process new lines, read at `now` (monotonic seconds)."""
        for line in lines:
            if CUDA_ERROR in line:
                self._cuda_error, self._error_at, self._failing = line.strip()[:200], now, True
            elif EXECUTION_FAILED in line:
                self._failing = True
            elif EXECUTED in line:
                self._prompt_ended()
            elif WORKER_CRASHED.search(line):
                self._crashed = line.strip()[:200]

    def _prompt_ended(self) -> None:
        if self._failing:
            self._failed += self._cuda_error is not None
        else:
            self._cuda_error, self._failed = None, 0
        self._failing = False

    def evaluate(self, now: float, idle: bool) -> Reason | None:
        """Return the reason to kill the process, if any; `idle`: the queue is known to be empty."""
        if self._crashed:
            return Reason("worker", f"its prompt worker is dead: {self._crashed}")
        if self._cuda_error is None:
            return None
        if self._failed >= FAILED_PROMPTS or (idle and now - self._error_at >= IDLE_AFTER_ERROR):
            return Reason("cuda", f"every prompt fails since a CUDA error: {self._cuda_error}")
        return None
