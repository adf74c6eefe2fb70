"""P: the settings: the environment, read once into a frozen `Settings`; every problem is reported at once.

A setting is one entry here; docs/settings.md is generated from these entries. No settings library: this module is the
entrypoint's purpose and its first import (attrs or pydantic cost 30-150 ms before the first page, `bench/boot`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from entrypoint.settings import owned_arguments, parsing, ports, secret_names, users
from entrypoint.settings.setting import setting
from entrypoint.settings.unattended import UnattendedSettings
from entrypoint.settings.value_text import as_text, shown
from entrypoint.settings.volume_policy import POLICIES

#: Secrets that are not settings, and that no supervised program needs: they are never passed on.
#: RUNPOD_API_KEY can delete the user's pods.
FOREIGN_SECRETS = ("RUNPOD_API_KEY", "HUGGING_FACE_HUB_TOKEN")


class BadSettings(Exception):
    """The environment has values that cannot be used; `problems` has one printable line for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(UnattendedSettings):
    """Everything users can set. An empty variable counts as unset (compose files write `X=${X:-}`)."""

    jupyter_port: int = setting("JUPYTER_PORT", parsing.port, 8189, "Port JupyterLab is reached at, behind the login.")
    jupyter_internal_port: int = setting("JUPYTER_INTERNAL_PORT", parsing.port, 18189,
        "Port JupyterLab itself listens on, on the loopback. Equal to `JUPYTER_PORT`: no door.")  # fmt: skip
    comfyui_port: int = setting("COMFYUI_PORT", parsing.port, 8188, "Port ComfyUI is reached at, behind the login.")
    comfyui_internal_port: int = setting("COMFYUI_INTERNAL_PORT", parsing.port, 18188,
        "Port ComfyUI itself listens on, on the loopback. Equal to `COMFYUI_PORT`: no door.")  # fmt: skip
    status_port: int = setting("STATUS_PORT", parsing.port, 8190, "Port of the status page, behind the login.")
    status_internal_port: int = setting("STATUS_INTERNAL_PORT", parsing.port, 18190,
        "Port the status server itself listens on, on the loopback. Equal to `STATUS_PORT`: no door.")  # fmt: skip
    jupyter_enabled: bool = setting("JUPYTER_ENABLED", parsing.boolean, True, "Run JupyterLab.")
    comfyui_enabled: bool = setting("COMFYUI_ENABLED", parsing.boolean, True, "Run ComfyUI.")
    status_enabled: bool = setting("STATUS_ENABLED", parsing.boolean, True, "Run the status page.")
    jupyter_auth: str = setting("JUPYTER_AUTH", parsing.choice("token", "none"), "token",
        "`token`: JupyterLab asks for the token. `none`: everyone who knows the address can run commands; every start "
        "warns of it.")  # fmt: skip
    comfyui_auth: str = setting("COMFYUI_AUTH", parsing.choice("token", "none"), "token",
        "`token`: ComfyUI asks for the same token. `none`: everyone who knows the address can use it; every start "
        "warns of it.")  # fmt: skip
    jupyter_token: str = setting("JUPYTER_TOKEN", parsing.token, "",
        "The login token. Unset: `JUPYTER_PASSWORD`, else a generated one that the "
        "volume keeps.", secret=True)  # fmt: skip
    jupyter_password: str = setting("JUPYTER_PASSWORD", parsing.token, "",
        "RunPod's name for the token; `JUPYTER_TOKEN` wins.", secret=True)  # fmt: skip
    allowed_origins: tuple[str, ...] = setting("JUPYTER_ALLOWED_ORIGINS", parsing.origins, (),
        "More web origins whose pages may use the login cookie, separated by commas (your own domain in front of the "
        "pod).")  # fmt: skip
    jupyter_tiles: str = setting("JUPYTER_TILES", parsing.choice("link", "proxy"), "link",
        "`link`: the launcher's tiles open ComfyUI and the status page at their own ports. `proxy`: below "
        "JupyterLab's address, for pods that publish its port alone; a page of ComfyUI's nodes can then do all that "
        "JupyterLab can.")  # fmt: skip
    jupyter_memory_limit: int = setting("JUPYTER_MEMORY_LIMIT", parsing.whole_number("MiB"), 0,
        "MiB that JupyterLab, its kernels and terminals may use together before JupyterLab is restarted. 0: no limit "
        "below the container's.")  # fmt: skip
    comfyui_memory_limit: int = setting("COMFYUI_MEMORY_LIMIT", parsing.whole_number("MiB"), 0,
        "MiB of memory that ComfyUI may use before it is restarted. 0: no limit below the container's.")  # fmt: skip
    comfyui_args: tuple[str, ...] = setting("COMFYUI_ARGS", parsing.arguments, (),
        "More arguments for ComfyUI, quoted as in a shell.")  # fmt: skip
    comfyui_dir: str = setting("COMFYUI_DIR", parsing.path, "",
        "Folder of ComfyUI's code. Unset: the image's, or in local mode a clone of `COMFYUI_REPO`.")  # fmt: skip
    comfyui_python: str = setting("COMFYUI_PYTHON", parsing.path, "",
        "Python that runs ComfyUI. Unset: the Python of ComfyUI's own environment.")  # fmt: skip
    comfyui_repo: str = setting("COMFYUI_REPO", parsing.repository, "https://github.com/comfyanonymous/ComfyUI",
        "Repository of ComfyUI: for `COMFYUI_VERSION`, and what local mode clones.")  # fmt: skip
    comfyui_ref: str = setting("COMFYUI_REF", parsing.git_ref, "v0.29.0", "Tag or branch that local mode clones.")
    torch: str = setting("TORCH", parsing.choice("cu128", "cu130", "cpu"), "",
        "In the image's variant `thin`: which torch it fetches. Unset: the one for the host's driver.")  # fmt: skip
    comfyui_version: str = setting("COMFYUI_VERSION", parsing.git_ref, "",
        "The version of ComfyUI to run: a tag of `COMFYUI_REPO` (`v0.28.0`, `latest`), a branch, a commit, or `image`. "
        "It is prepared beside the running one and tried before it replaces that. Unset: what `podkeeper comfyui use` "
        "has chosen, else the image's.")  # fmt: skip
    comfyui_manager: str = setting("COMFYUI_MANAGER", parsing.choice("legacy", "new", "off"), "legacy",
        "ComfyUI-Manager's user interface: `legacy` (its own dialogue, which also installs by git URL), `new` "
        "(ComfyUI's own), or `off`. `COMFYUI_AUTH=none` switches it off.")  # fmt: skip
    attention: str = setting("ATTENTION", parsing.choice("auto", "sage", "sdpa"), "auto",
        "ComfyUI's attention. `auto`: SageAttention where it is installed and a check on this GPU has found it right "
        "and at least a tenth faster, else PyTorch's. `sage`, `sdpa` (PyTorch's): that one. An attention argument in "
        "`COMFYUI_ARGS` beats it.")  # fmt: skip
    queue_restore: str = setting("QUEUE_RESTORE", parsing.boolean_or("ask"), "true",
        "What becomes of ComfyUI's queue after a restart, a crash or a stop of the pod. `true`: it runs on, each "
        "workflow once. `ask`: it waits for `podkeeper queue restore`. `false`: it is lost, as without "
        "Podkeeper.")  # fmt: skip
    stop_grace: int = setting("STOP_GRACE", parsing.duration, 0,
        "How long a stop of the pod (SIGTERM) waits for the workflow that runs: seconds, or `90s`, `2m`. The engine "
        "must allow 10 s more: `docker stop --time`. 0: it does not wait; the workflow runs again at the next "
        "start.")  # fmt: skip
    nodes_timeout: int = setting("NODES_TIMEOUT", parsing.whole_number("s"), 300,
        "Seconds for which one custom node may load before ComfyUI is restarted without it. 0: no limit below the "
        "600 s of a start.")  # fmt: skip
    packages_held: str = setting("PACKAGES_HELD", parsing.choice("torch", "all"), "torch",
        "Which of the image's packages pip and uv may not change: `torch` (with torchvision, torchaudio, triton and "
        "nvidia-*), or `all`.")  # fmt: skip
    volume_policy: str = setting("VOLUME_POLICY", parsing.choice(*POLICIES), "auto",
        "Which files on the volume become readable and writable: `top` (the data folder and its first level), `owner` "
        "(everything belongs to PUID:PGID), `group`, `shared` (every user), or `auto`: `top`, and more only where the "
        "services run unprivileged.")  # fmt: skip
    puid: str = setting("PUID", users.user_id, "",
        "User id of the services and the volume's files. Unset: the pod's own.")  # fmt: skip
    pgid: str = setting("PGID", users.user_id, "", "Group id to go with `PUID`. Unset: the same number.")
    run_as: str = setting("RUN_AS", users.run_as, "",
        "`uid:gid` that the services run as, where it differs from `PUID`:`PGID`.")  # fmt: skip
    umask: str = setting("UMASK", users.umask, "",
        "umask of the services, octal. Unset: 022; 002 under `group`, 000 under `shared`.")  # fmt: skip
    models: str = setting("MODELS", parsing.choice("auto", "none"), "",
        "Which models are downloaded in the background once the services answer. `auto`: the catalogue's bundles in "
        "order, as far as they fit on the disk; `DOWNLOAD_<BUNDLE>=true` or `false` (and `DOWNLOAD_ALL`) override it. "
        "`none`: none. Unset: only the bundles of a `DOWNLOAD_<BUNDLE>=true` (or `DOWNLOAD_ALL=true`).")  # fmt: skip
    models_manifest: str = setting("MODELS_MANIFEST", parsing.manifest, "",
        "Path or https:// address of your own manifest, in place of the catalogue. Unset: `models.toml` in the data "
        "folder, if it exists. The query of an address counts as a secret.")  # fmt: skip
    models_cache: str = setting("MODELS_CACHE", parsing.choice("local", "none"), "none",
        "`local`: models go to the container's own disk first, where ComfyUI uses them at once, and are copied to the "
        "volume behind that. For slow volumes. `none`: straight to the volume.")  # fmt: skip
    models_rate_limit: int = setting("MODELS_RATE_LIMIT", parsing.whole_number("MB"), 0,
        "MB/s that all model downloads may use together. 0: no limit.")  # fmt: skip
    models_hours: str = setting("MODELS_HOURS", parsing.hours, "",
        "Hours of the pod's clock in which models may be downloaded: `22-6`.")  # fmt: skip
    workflows: tuple[str, ...] = setting("WORKFLOWS", parsing.workflows, (),
        "Workflows to put into ComfyUI's library with all models and custom nodes that they need, in the background "
        "once the services answer: paths and https:// addresses, separated by commas. The query of an address counts "
        "as a secret.")  # fmt: skip
    hf_endpoint: str = setting("HF_ENDPOINT", parsing.web_address, "https://huggingface.co",
        "The Hugging Face Hub or a mirror of it, which gets `HF_TOKEN`.")  # fmt: skip
    hf_token: str = setting("HF_TOKEN", parsing.token, "",
        "Access token of Hugging Face, for gated models.", secret=True)  # fmt: skip
    civitai_token: str = setting("CIVITAI_TOKEN", parsing.token, "", "API key of Civitai.", secret=True)
    github_token: str = setting("GITHUB_TOKEN", parsing.token, "",
        "Access token of GitHub, for private releases.", secret=True)  # fmt: skip
    comfyui_secrets: tuple[str, ...] = setting("COMFYUI_SECRETS", secret_names.variables, (),
        "Secrets that ComfyUI and its nodes get, by name: `HF_TOKEN,COMFY_ORG_API_KEY`. Else no program gets a "
        "variable whose name says that it is a secret.")  # fmt: skip
    terminal_secrets: tuple[str, ...] = setting("TERMINAL_SECRETS", secret_names.variables, (),
        "Secrets that terminals, notebooks and ssh sessions get, by name.")  # fmt: skip
    outputs_to: str = setting("OUTPUTS_TO", parsing.outputs_to, "",
        "Where files in ComfyUI's output folder are copied as they appear: `REMOTE:PATH` of your `RCLONE_CONFIG`, or "
        "`s3://BUCKET/PREFIX`. It needs rclone ([outputs.md](outputs.md)).")  # fmt: skip
    rclone_config: str = setting("RCLONE_CONFIG", str, "",
        "The text of your rclone.conf, the same in base64, or its path. `RCLONE_CONFIG_<REMOTE>_<KEY>` work, too.",
        secret=True)  # fmt: skip
    aws_access_key_id: str = setting("AWS_ACCESS_KEY_ID", parsing.token, "",
        "Key id for `OUTPUTS_TO=s3://...`; `AWS_REGION`, `AWS_ENDPOINT_URL` (a store that is not Amazon's) and "
        "`AWS_SESSION_TOKEN` count, too.", secret=True)  # fmt: skip
    aws_secret_access_key: str = setting("AWS_SECRET_ACCESS_KEY", parsing.token, "",
        "Secret key for `OUTPUTS_TO=s3://...`.", secret=True)  # fmt: skip
    on_done: str = setting("ON_DONE", parsing.webhook, "",
        "Address that gets a JSON text by POST when a workflow of ComfyUI has finished.", secret=True)  # fmt: skip
    on_problem: str = setting("ON_PROBLEM", parsing.webhook, "",
        "Address that gets a JSON text by POST when a workflow fails, a condition begins or ends, and before an idle "
        "pod stops.", secret=True)  # fmt: skip
    webhook_secret: str = setting("WEBHOOK_SECRET", parsing.token, "",
        "Signs webhooks as standardwebhooks.com says: `whsec_` and base64, or any text.", secret=True)  # fmt: skip
    webhooks_enabled: bool = setting("WEBHOOKS_ENABLED", parsing.boolean, True,
        "Send webhooks where `ON_DONE` or `ON_PROBLEM` is set.")  # fmt: skip
    webhooks_private: bool = setting("WEBHOOKS_PRIVATE", parsing.boolean, False,
        "Webhooks may go to private networks: this machine, its neighbours.")  # fmt: skip
    public_key: str = setting("PUBLIC_KEY", str, "",
        "Public keys, one a line, that may log in by ssh; RunPod sets it to those of your account. Unset: no sshd "
        "runs.", secret=True)  # fmt: skip
    ssh_enabled: bool = setting("SSH_ENABLED", parsing.boolean, True, "Run sshd where `PUBLIC_KEY` is set.")
    ssh_port: int = setting("SSH_PORT", parsing.port, 22, "Port of sshd.")
    home: str = setting("PODKEEPER_HOME", parsing.home, "",
        "Local mode: the folder that holds everything (`scripts/run` sets it). Unset: the image's paths.")  # fmt: skip
    strict: bool = setting("PODKEEPER_STRICT", parsing.boolean, False,
        "A value that cannot be used ends the start with exit code 78, as in local mode at a terminal. Else its "
        "default is used, and the condition `SettingIgnored` names it.")  # fmt: skip
    user_home: str = setting("HOME", parsing.home, "/root", "Home folder; `.jupyter` in it holds the configuration.")
    pod_id: str = setting("RUNPOD_POD_ID", parsing.pod_id, "",
        "RunPod sets it; the pod's public addresses derive from it.")  # fmt: skip

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            BadSettings: Some values cannot be used; `problems` names every one.
        """
        values: dict[str, Any] = {}
        problems = []
        for each in fields(cls):
            text = environ.get(each.metadata["variable"], "").strip()
            if not text or (each.metadata["parse"] is parsing.port and parsing.is_service_link(text)):
                continue
            try:
                values[each.name] = each.metadata["parse"](text)
            except ValueError as error:
                value = shown(text, secret=each.metadata["secret"])
                problems.append(f"cannot use {each.metadata['variable']}={value}: {error}")
        settings: Settings = ports.with_free_internal_ports(cls(**values), values)
        problems += contradictions(settings)
        if problems:
            raise BadSettings(tuple(problems))
        return settings

    @property
    def token(self) -> str:
        """The login token the user chose; "": a token has to be generated."""
        return self.jupyter_token or self.jupyter_password

    @property
    def door_port(self) -> int:
        """The first port at which the door listens; 0: there is no door. Without nginx every public port is the
        internal one, too (`door.find_nginx`)."""
        behind = (
            getattr(self, f"{name}_port")
            for name in services_with_a_door()
            if getattr(self, f"{name}_enabled")
            and getattr(self, f"{name}_port") != getattr(self, f"{name}_internal_port")
        )
        return next(behind, 0)

    def without_door(self) -> Settings:
        """These settings with every internal port equal to its public one, which means no door."""
        return replace(
            self, **{f"{name}_internal_port": getattr(self, f"{name}_port") for name in services_with_a_door()}
        )

    def public_url(self, port: int) -> str:
        """Return the address at which a browser reaches `port`: RunPod's proxy, else this machine."""
        return f"https://{self.pod_id}-{port}.proxy.runpod.net" if self.pod_id else f"http://localhost:{port}"

    def to_environ(self) -> dict[str, str]:
        """Return every setting that is not secret, as text from which `from_environ` makes the same settings.

        The addresses of the manifest and of workflows have no query: a signature in it is a secret
        (`models.sources.tokens` keeps it).
        """
        public = [each for each in fields(self) if not each.metadata["secret"]]
        texts = {each.metadata["variable"]: as_text(each, getattr(self, each.name)) for each in public}
        workflows = ",".join(without_query(each) for each in self.workflows)
        return texts | {"MODELS_MANIFEST": without_query(self.models_manifest), "WORKFLOWS": workflows}


def services_with_a_door() -> tuple[str, ...]:
    """The names of the services that have a public and an internal port, in the order of the settings."""
    ending = "_internal_port"
    return tuple(each.name.removesuffix(ending) for each in fields(Settings) if each.name.endswith(ending))


def without_query(place: str) -> str:
    """A path or an address without what follows `?` in the address; a path stays as it is."""
    return place if place.startswith("/") else place.partition("?")[0]


def secret_variables() -> tuple[str, ...]:
    """Return the names of all variables that must not reach supervisord's environment."""
    return *(each.metadata["variable"] for each in fields(Settings) if each.metadata["secret"]), *FOREIGN_SECRETS


def contradictions(settings: Settings) -> list[str]:
    """Return the problems of values that contradict each other."""
    _, arguments = owned_arguments.without_owned(settings.comfyui_args)
    return [*ports.clashes(settings), *arguments]
