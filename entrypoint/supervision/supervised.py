"""P: the part of a supervised program that the keeper and the shutdown use."""

from typing import Any, Protocol


class Supervised(Protocol):
    """One program of supervisord under the plugin's restart policy; implemented by `program.Program`."""

    state: int
    pid: int
    restarts: int

    @property
    def name(self) -> str: ...
    @property
    def mark(self) -> str:
        """The value of `orphans.MARK` in the running process's environment; empty when none runs."""

    def facts(self) -> dict[str, Any]:
        """The program's entry in programs.json."""

    def deadline(self) -> float:
        """Monotonic time at which supervisord's loop must turn for this program."""

    def spawn(self) -> Any:
        """Start it (supervisord's Subprocess.spawn)."""

    def stop(self) -> Any:
        """Send the stop signal (supervisord's Subprocess.stop)."""

    def kill(self, sig: int) -> Any:
        """Send a signal (supervisord's Subprocess.kill)."""
