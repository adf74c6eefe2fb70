"""P: the services: one row each. supervisord.conf has a `[program:x]` for every row (a contract test compares)."""

from __future__ import annotations

from dataclasses import dataclass

from entrypoint.settings.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One long-running service with an HTTP face.

    Attributes:
        name: supervisord's program name.
        title: What people call it.
        port_setting: Attribute of `Settings` that holds the port it listens on and is probed at.
        public_setting: Attribute of `Settings` that holds the port users reach it at; "": they don't.
        enabled_setting: Attribute of `Settings` that says whether it runs.
        memory_setting: Attribute of `Settings` that limits the memory of its process tree, in MiB; "": none does.
        health_path: Answers quickly without a login while the service is alive.
        stop_signal: The signal that ends it cleanly.
        stop_grace: Seconds between that signal and SIGKILL. All stop at once, and Docker and RunPod kill after 10.
        startup_grace: Seconds a start may take before the service counts as hung.
        sweep_orphans: Whether what it leaves behind is killed with it. Not for JupyterLab: users' tmux and
            nohup jobs started in its terminals are theirs.
        only_with: Attribute of `Settings` that has to hold as well; "": nothing has.
    """

    name: str
    title: str
    port_setting: str
    public_setting: str
    enabled_setting: str
    memory_setting: str
    health_path: str
    stop_signal: str
    stop_grace: int
    startup_grace: int
    sweep_orphans: bool
    only_with: str = ""

    def port(self, settings: Settings) -> int:
        """The TCP port this service listens on. ComfyUI's is internal: the gateway has the one users know."""
        return int(getattr(settings, self.port_setting))

    def public_port(self, settings: Settings) -> int:
        """The TCP port users reach it at; 0 for one they don't."""
        return int(getattr(settings, self.public_setting)) if self.public_setting else 0

    def enabled(self, settings: Settings) -> bool:
        """Whether it runs at all."""
        wanted = (self.enabled_setting, self.only_with)
        return all(getattr(settings, name) for name in wanted if name)

    def memory_limit(self, settings: Settings) -> int:
        """Bytes its process tree may use; 0: no limit of its own."""
        return int(getattr(settings, self.memory_setting)) << 20 if self.memory_setting else 0


SERVICES = (
    Service(
        name="jupyter",
        title="JupyterLab",
        port_setting="jupyter_port",
        public_setting="jupyter_port",
        enabled_setting="jupyter_enabled",
        memory_setting="jupyter_memory_limit",
        health_path="/api",  # version only, open without login
        stop_signal="TERM",
        stop_grace=6,
        startup_grace=120,
        sweep_orphans=False,
    ),
    Service(
        name="comfyui",
        title="ComfyUI",
        port_setting="comfyui_internal_port",
        public_setting="comfyui_port",
        enabled_setting="comfyui_enabled",
        memory_setting="comfyui_memory_limit",
        health_path="/system_stats",  # answers within 0.3 s during sampling; /object_info blocks the event loop
        stop_signal="INT",  # ComfyUI's clean stop; it has no SIGTERM handler
        stop_grace=6,
        startup_grace=600,
        sweep_orphans=True,
    ),
    Service(
        name="status",
        title="Status",
        port_setting="status_port",
        public_setting="status_port",
        enabled_setting="status_enabled",
        memory_setting="",
        health_path="/healthz",
        stop_signal="TERM",
        stop_grace=2,
        startup_grace=60,
        sweep_orphans=False,
    ),
    Service(
        name="gateway",
        title="Gateway",
        port_setting="comfyui_port",
        public_setting="",
        enabled_setting="comfyui_enabled",
        memory_setting="",
        only_with="gateway",
        health_path="/podkeeper/health",  # nginx's own answer, whatever ComfyUI does
        stop_signal="TERM",  # nginx's fast end; QUIT would wait for every WebSocket
        stop_grace=2,
        startup_grace=60,
        sweep_orphans=True,  # its worker would hold the port
    ),
)
