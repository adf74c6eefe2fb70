"""P: the programs of the pod, one row each; a service is a program with a port.

Whatever shows, probes, logs, restarts or links a program derives from its row: banner, `podkeeper url`, logs, support
bundle, buttons, shell completion, port check, tiles. supervisord.conf has a `[program:x]` for every row; a contract
test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from entrypoint.settings.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One `[program:x]` of supervisord.conf.

    Attributes:
        name: supervisord's program name; commands, log views and the container's log use it too.
        forwarded: Whether its log is copied to the container's stdout.
        always_on: Whether it runs all the time; False for a one-shot.
        enabled_setting: The attribute of `Settings` that says whether it runs at all; "": always.
        buttons: Whether the status page starts, stops and restarts it.
        restart_note: What a stop or restart costs the user, for the confirmation; "": nothing to confirm.
    """

    name: str
    title: str
    log_file: str
    forwarded: bool = True
    always_on: bool = False
    buttons: bool = False
    restart_note: str = ""
    enabled_setting: str = ""

    def enabled(self, settings: Settings) -> bool:
        """Whether the program runs at all."""
        return not self.enabled_setting or bool(getattr(settings, self.enabled_setting))


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile in JupyterLab's launcher. `path`: the icon's SVG path data, in a 24 x 24 box."""

    title: str
    caption: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Program):
    """A long-running program that responds to HTTP.

    Attributes ending in `_setting` name an attribute of `Settings`.

    Attributes:
        port_setting: The port it listens on and is probed at.
        public_setting: The port users reach it at; "": users do not.
        auth_setting: Whether its page asks for the login (`token` or `none`).
        memory_setting: The limit of its process tree's memory, in MiB; "": none.
        page: Path of its page, with a slash in front; "": it has no page.
        max_body: Bytes of a request's body that the door lets through, as nginx writes them; "0": no limit.
        health_path: Responds quickly, without a login, while the service is alive.
        stop_signal: The signal that ends it cleanly.
        stop_grace: Seconds between that signal and SIGKILL. All stop at once; Docker and RunPod kill after 10.
        startup_grace: Seconds a start may take before the service counts as hung (Kubernetes' startup probe).
        sweep_orphans: Whether processes it leaves behind are killed with it. Not for JupyterLab: tmux and nohup jobs
            started in its terminals belong to the user.
    """

    port_setting: str
    public_setting: str = ""
    auth_setting: str = "jupyter_auth"
    memory_setting: str = ""
    page: str = ""
    tile: Tile | None = None
    max_body: str = "64k"
    health_path: str
    stop_signal: str = "TERM"
    stop_grace: int
    startup_grace: int
    sweep_orphans: bool = False

    def port(self, settings: Settings) -> int:
        """The TCP port the service listens on. Behind the door it is internal: the door has the one users know."""
        return int(getattr(settings, self.port_setting))

    def public_port(self, settings: Settings) -> int:
        """The TCP port users reach the service at; 0: they do not."""
        return int(getattr(settings, self.public_setting)) if self.public_setting else 0

    def behind_door(self, settings: Settings) -> bool:
        """Whether the door stands in front: the service's own port is not the one users know."""
        return self.public_port(settings) not in (0, self.port(settings))

    def asks_login(self, settings: Settings) -> bool:
        """Whether the page takes the token in its address. Without the door JupyterLab alone does."""
        login = getattr(settings, self.auth_setting) == "token"
        return login and (self.behind_door(settings) or self.name == "jupyter")

    def address(self, settings: Settings) -> str:
        """Where a browser finds the service; "" where it has no page."""
        return f"{settings.public_url(self.public_port(settings))}/" if self.page else ""

    def url(self, settings: Settings, token: str = "") -> str:
        """Address of the page, with the login in it where `token` is given and asked for; "" without a page."""
        if not self.page:
            return ""
        url = self.address(settings) + self.page[1:]
        return f"{url}?token={quote(token, safe='')}" if token and self.asks_login(settings) else url

    def memory_limit(self, settings: Settings) -> int:
        """Bytes of memory the service's process tree may use; 0: no limit of its own."""
        return int(getattr(settings, self.memory_setting)) << 20 if self.memory_setting else 0


SERVICES = (
    Service(
        name="jupyter", title="JupyterLab", log_file="jupyter.log", page="/lab",
        buttons=True,
        restart_note="Running notebooks lose what they hold in memory, and the programs in open terminals may end. "
        "Files stay.",
        port_setting="jupyter_internal_port", public_setting="jupyter_port", enabled_setting="jupyter_enabled",
        memory_setting="jupyter_memory_limit",
        max_body="512m",  # Jupyter Server's own limit
        health_path="/api",  # version only, open without login
        stop_grace=6, startup_grace=120,
    ),
    Service(
        name="comfyui", title="ComfyUI", log_file="comfyui.log", page="/",
        tile=Tile("ComfyUI", "ComfyUI, in a page of its own", "M3 5h6v5H3zM15 14h6v5h-6zM9 7.5h3.5v9H15"),
        buttons=True,
        restart_note="The workflow that runs now begins again; the queue is kept, unless QUEUE_RESTORE=false. "
        "Files stay.",
        port_setting="comfyui_internal_port", public_setting="comfyui_port", enabled_setting="comfyui_enabled",
        auth_setting="comfyui_auth", memory_setting="comfyui_memory_limit",
        max_body="0",  # ComfyUI has a limit of its own (--max-upload-size)
        health_path="/system_stats",  # responds within 0.3 s during sampling; /object_info blocks the event loop
        stop_signal="INT",  # ComfyUI's clean stop; it has no SIGTERM handler
        stop_grace=6, startup_grace=600, sweep_orphans=True,
    ),
    Service(
        name="status", title="Status", log_file="podkeeper-status.log", page="/",
        tile=Tile("Pod status", "What runs on this pod, what is wrong, and what to do about it",
                  "M2 12h5l3-8 4 16 3-8h5"),
        port_setting="status_internal_port", public_setting="status_port", enabled_setting="status_enabled",
        max_body="96m",  # the job API's input files; the status server takes 64 KiB at its other paths
        health_path="/healthz", stop_grace=2, startup_grace=60,
        sweep_orphans=True,  # the pip of a killed server would run on beside that of the next server
    ),
    Service(
        name="gateway", title="Gateway", log_file="gateway.log", buttons=True,
        port_setting="door_port", enabled_setting="door_port",
        health_path="/podkeeper/health",  # nginx's own response, whatever the services do
        stop_grace=2,  # TERM is nginx's fast end; QUIT would wait for every WebSocket
        startup_grace=60, sweep_orphans=True,  # its worker would hold the port
    ),
)  # fmt: skip

#: The programs without a port.
HELPERS = (
    Program(name="volumes", title="Volume pass", log_file="podkeeper-volumes.log"),
    Program(name="models", title="Model downloads", log_file="podkeeper-models.log", buttons=True),
    Program(name="workflows", title="Workflows", log_file="podkeeper-workflows.log", buttons=True),
    Program(name="nodes", title="Nodes and packages", log_file="podkeeper-nodes.log"),
    Program(name="version", title="ComfyUI version", log_file="podkeeper-version.log",
            enabled_setting="comfyui_version"),
    Program(name="gpu", title="GPU check", log_file="podkeeper-gpu.log", buttons=True,
            enabled_setting="comfyui_enabled"),
    Program(name="meter", title="Meter", log_file="podkeeper-meter.log"),
    Program(name="runpod", title="RunPod", log_file="podkeeper-runpod.log"),
    Program(name="drain", title="Drain before a stop", log_file="podkeeper-drain.log"),
    Program(name="jobs", title="Jobs", log_file="podkeeper-jobs.log", enabled_setting="comfyui_enabled"),
    Program(name="worker", title="Serverless worker", log_file="podkeeper-worker.log", always_on=True,
            enabled_setting="worker"),
    Program(name="outputs", title="Delivery of outputs", log_file="podkeeper-outputs.log", always_on=True, buttons=True,
            enabled_setting="outputs_to"),
    Program(name="webhooks", title="Webhooks", log_file="podkeeper-webhooks.log", always_on=True,
            enabled_setting="webhooks_enabled"),
    Program(name="command", title="Start command", log_file="command.log"),
    Program(name="sshd", title="SSH", log_file="sshd.log", forwarded=False, always_on=True, buttons=True,
            enabled_setting="ssh_enabled"),  # not forwarded: the internet's password guessers fill its log
    Program(name="prober", title="Prober", log_file="podkeeper-prober.log", forwarded=False, always_on=True),
    Program(name="logs", title="Log forwarder", log_file="podkeeper-logs.log", forwarded=False, always_on=True),
    Program(name="announce", title="Announcement", log_file="podkeeper-announce.log", forwarded=False),
)  # fmt: skip
PROGRAMS: tuple[Program, ...] = (*SERVICES, *HELPERS)
#: supervisord's own log; not a program of its own.
POD_LOG = Program(name="pod", title="supervisord", log_file="supervisord.log")


def with_logs() -> Iterable[Program]:
    """Everything that has a log file, supervisord first."""
    return (POD_LOG, *PROGRAMS)


def service_named(name: str) -> Service:
    """The row called `name`; raises KeyError where no service has that name."""
    return {service.name: service for service in SERVICES}[name]
