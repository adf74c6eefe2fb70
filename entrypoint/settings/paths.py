"""P: the pod's paths, in the image and in local mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity, service_identity

#: Where RunPod mounts a volume: a pod's (configurable, this is the default), then a serverless worker's.
VOLUMES = ("/workspace", "/runpod-volume")
#: Variable with the time at which the start began, in seconds of CLOCK_BOOTTIME (scripts/run can take a minute first).
STARTED = "PODKEEPER_STARTED"
#: The file among the requests while which exists ComfyUI accepts and begins no workflow (queue/drain.py).
DRAIN_REQUEST = "comfyui-drain"
#: Home of services that root runs as another user (RUN_AS, PUID), and of a pod that does not run as root (--user).
UNPRIVILEGED_HOME = "/home/podkeeper"
#: The longest path a Unix socket can have is 107 bytes (unix(7)); supervisord binds `<path>.<pid>` first.
_LONGEST_RUNTIME = 107 - len("/supervisor.sock.4194304")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about the machine, collected once by the caller.

    Attributes:
        mounts: Every mount point.
        temporary: The machine's folder for temporary files.
        silent: Volumes that are mounted but do not respond; they are not among `mounts`.
        home_closed: Whether this process's user cannot write to HOME: the engine sets it to the folder in the image's
            /etc/passwd (uid 33: /var/www).
        root_writable: Whether `/comfyui` can be replaced by a link; False under `--user` and `--read-only`.
    """

    mounts: frozenset[str]
    uid: int
    temporary: str
    python: str
    silent: tuple[str, ...] = ()
    home_closed: bool = False
    root_writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Absolute paths.

    Attributes:
        data: ComfyUI's data and JupyterLab's root (`/comfyui`; the volume's folder where no link can be made).
        stored: The real folder of `data`: itself, or the volume's `comfyui` folder that `data` links to.
        volume: Mount point of the volume, or "" without one.
        home: Home folder of the services; `.jupyter` in it holds the configuration.
        runtime: Runtime folder: sockets, conditions and a copy of the token, for this start alone.
        python: The interpreter of the entrypoint and JupyterLab.
        kept_secrets: Folder for generated secrets, so that they survive restarts; 0700. Where root runs the pod, it is
            outside the data folder, which the services' user owns, if the volume has such a place.
        packages: Local folder of the environment into which ComfyUI's nodes' packages are installed.
        models_state: Folder of the downloads on the volume: staging, receipts, requests. The services' user's.
        models_cache: Folder on the container's own disk that models go to first (`MODELS_CACHE=local`); "": none.
    """

    data: str
    stored: str
    volume: str
    log: str
    home: str
    runtime: str
    python: str
    kept_secrets: str
    models_state: str
    packages: str
    models_cache: str = ""

    @property
    def jupyter_config_folder(self) -> str:
        """Folder of `jupyter_lab_config.py`."""
        return self.home + "/.jupyter"

    @property
    def interface_defaults(self) -> str:
        """Defaults of JupyterLab's interface."""
        return self.jupyter_config_folder + "/labconfig/default_setting_overrides.json"

    @property
    def token_file(self) -> str:
        """The file with the login token; 0600."""
        return self.runtime + "/jupyter_token"

    @property
    def cookie_secret_file(self) -> str:
        """The file with the secret that signs login cookies; 0600."""
        return self.runtime + "/jupyter_cookie_secret"

    @property
    def door_secret_file(self) -> str:
        """The file with the secret by which services recognise the door; 0600, of the pod's user."""
        return self.runtime + "/door_secret"

    @property
    def requests(self) -> str:
        """Folder where services leave requests for supervisord's plugin; the services' user can write to it."""
        return self.runtime + "/requests"

    @property
    def start_command(self) -> str:
        """The file with the start command's words as JSON; 0600. Absent without a start command."""
        return self.runtime + "/start_command.json"

    @property
    def reports(self) -> str:
        """Folder where programs of the services' user report what they do: downloads, forwarded logs."""
        return self.runtime + "/reports"

    def to_environ(self) -> dict[str, str]:
        """Return the paths as variables for supervisord.conf and every child; `from_environ` reads them back."""
        paths = {f"PODKEEPER_{each.name.upper()}_PATH": getattr(self, each.name) for each in fields(self)}
        return {"HOME": self.home} | paths

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Paths:
        """Read the variables that `to_environ` makes.

        Raises:
            KeyError: The process is not a child of the entrypoint.
        """
        return cls(**{each.name: environ[f"PODKEEPER_{each.name.upper()}_PATH"] for each in fields(cls)})


def locate(settings: Settings, facts: Facts) -> Paths:
    """Decide where everything is."""
    return _local(settings, facts) if settings.home else _image(settings, facts)


def _image(settings: Settings, facts: Facts) -> Paths:
    data = "/comfyui"
    volume = next((mount for mount in (data, *VOLUMES) if mount in facts.mounts), "")
    stored = data if volume in ("", data) else f"{volume}/comfyui"
    unprivileged = facts.uid != 0 or settings.run_as or settings.puid
    # Only root can enter /root or write to /, which engines set as the home of a uid without a name.
    elsewhere = unprivileged and settings.user_home in ("/", "/root")
    home = UNPRIVILEGED_HOME if elsewhere or facts.home_closed else settings.user_home
    return Paths(
        data=data if facts.root_writable else stored, stored=stored, volume=volume, log="/var/log", home=home,
        runtime="/run/podkeeper", python=facts.python, kept_secrets=_kept_secrets(facts, volume, stored),
        models_state=stored + _models_state(settings, facts), packages="/var/lib/podkeeper/packages",
        models_cache="/var/lib/podkeeper/models" if settings.models_cache == "local" else "",
    )  # fmt: skip


def _kept_secrets(facts: Facts, volume: str, stored: str) -> str:
    """Outside the data folder where root runs the pod, and the volume or the image has such a place to write to."""
    if facts.uid != 0 or not (volume or facts.root_writable):
        return stored + "/.podkeeper"
    return f"{volume}/.podkeeper" if volume else "/var/lib/podkeeper"


def _models_state(settings: Settings, facts: Facts) -> str:
    """A folder for each user whom root runs the services as: none has to be handed over, which links could misuse."""
    own = Identity(facts.uid, facts.uid)
    service = service_identity(settings.run_as, settings.puid, settings.pgid, own)
    return "/.podkeeper" if service.uid == own.uid else f"/.podkeeper-{service.uid}"


def _local(settings: Settings, facts: Facts) -> Paths:
    base = settings.home
    runtime = f"{base}/run"
    if len(runtime.encode()) > _LONGEST_RUNTIME:
        import hashlib  # a deep checkout only

        runtime = f"{facts.temporary}/podkeeper-{facts.uid}-{hashlib.sha256(base.encode()).hexdigest()[:12]}"
    return Paths(
        data=f"{base}/comfyui", stored=f"{base}/comfyui", volume="", log=f"{base}/log", home=f"{base}/home",
        runtime=runtime, python=facts.python, kept_secrets=f"{base}/login",
        models_state=f"{base}/comfyui{_models_state(settings, facts)}", packages=f"{base}/packages",
        models_cache=f"{base}/models-cache" if settings.models_cache == "local" else "",
    )  # fmt: skip
