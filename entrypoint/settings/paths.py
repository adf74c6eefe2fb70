"""P: where everything lives, in the image and in local mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from entrypoint.settings.settings import Settings

#: Where RunPod mounts a volume: a pod's (configurable, this is the default), then a serverless worker's.
VOLUMES = ("/workspace", "/runpod-volume")
#: Variable that says when the start began, in seconds of CLOCK_BOOTTIME (scripts/run spends a minute before it).
STARTED = "PODKEEPER_STARTED"
#: Home of services that root runs as somebody else (RUN_AS, PUID), and of a pod that is not root's (--user).
UNPRIVILEGED_HOME = "/home/podkeeper"
#: The longest path a Unix socket can have is 107 bytes (unix(7)); supervisord binds `<path>.<pid>` first.
_LONGEST_RUNTIME = 107 - len("/supervisor.sock.4194304")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the machine says, looked up once by the caller.

    Attributes:
        mounts: Every mount point.
        uid: Effective user id.
        temporary: The machine's folder for temporary files.
        python: The interpreter that runs us.
        silent: Volumes that are mounted but do not answer; they are not among `mounts`.
        root_writable: Whether `/comfyui` can be replaced by a link: neither under `--user` nor `--read-only`.
    """

    mounts: frozenset[str]
    uid: int
    temporary: str
    python: str
    silent: tuple[str, ...] = ()
    root_writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Absolute paths.

    Attributes:
        data: ComfyUI's data and JupyterLab's root, as users call it (`/comfyui`; the volume's folder itself where
            no link can be made).
        stored: The folder `data` really is: itself, or the volume's `comfyui` folder it links to.
        volume: Mount point of the volume, or "" where there is none.
        log: Log files.
        home: Home folder of the services; `.jupyter` in it holds the configuration.
        runtime: What the pod writes for itself and may forget: sockets, conditions, the token's copy.
        python: The interpreter that runs us and JupyterLab.
    """

    data: str
    stored: str
    volume: str
    log: str
    home: str
    runtime: str
    python: str

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
        """The token JupyterLab reads; 0600."""
        return self.runtime + "/jupyter_token"

    @property
    def cookie_secret_file(self) -> str:
        """What JupyterLab signs its cookies with; 0600."""
        return self.runtime + "/jupyter_cookie_secret"

    @property
    def requests(self) -> str:
        """Folder where services leave wishes for the supervisor; theirs to write."""
        return self.runtime + "/requests"

    @property
    def start_command(self) -> str:
        """The start command's words as JSON; 0600. Absent where the pod was started without one."""
        return self.runtime + "/start_command.json"

    @property
    def kept_secrets(self) -> str:
        """Folder on the volume for the secrets we made ourselves, so that they survive restarts; 0700."""
        return self.stored + "/.podkeeper"

    def to_environ(self) -> dict[str, str]:
        """As variables for supervisord.conf and for every child; `from_environ` reads them back."""
        return {"HOME": self.home} | {
            f"PODKEEPER_{each.name.upper()}_PATH": getattr(self, each.name) for each in fields(self)
        }

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Paths:
        """Read what `to_environ` wrote.

        Raises:
            KeyError: Not a child of the entrypoint.
        """
        return cls(**{each.name: environ[f"PODKEEPER_{each.name.upper()}_PATH"] for each in fields(cls)})


def locate(settings: Settings, facts: Facts) -> Paths:
    """Decide where everything lives."""
    return _local(settings, facts) if settings.home else _image(settings, facts)


def _image(settings: Settings, facts: Facts) -> Paths:
    data = "/comfyui"
    volume = next((mount for mount in (data, *VOLUMES) if mount in facts.mounts), "")
    stored = data if volume in ("", data) else f"{volume}/comfyui"
    unprivileged = facts.uid != 0 or settings.run_as or settings.puid
    # Nobody but root gets into /root or writes to /, which engines call the home of a uid without a name.
    home = UNPRIVILEGED_HOME if unprivileged and settings.user_home in ("/", "/root") else settings.user_home
    return Paths(
        data=data if facts.root_writable else stored, stored=stored, volume=volume, log="/var/log", home=home,
        runtime="/run/podkeeper", python=facts.python,
    )  # fmt: skip


def _local(settings: Settings, facts: Facts) -> Paths:
    base = settings.home
    runtime = f"{base}/run"
    if len(runtime.encode()) > _LONGEST_RUNTIME:
        import hashlib  # a deep checkout only

        runtime = f"{facts.temporary}/podkeeper-{facts.uid}-{hashlib.sha256(base.encode()).hexdigest()[:12]}"
    return Paths(
        data=f"{base}/comfyui", stored=f"{base}/comfyui", volume="", log=f"{base}/log", home=f"{base}/home",
        runtime=runtime, python=facts.python,
    )  # fmt: skip
