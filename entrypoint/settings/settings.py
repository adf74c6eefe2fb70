"""P: the environment, read once, as a frozen `Settings`; every problem is reported at once.

Adding a setting is one line here; the README's table is generated from these lines (`scripts/settings_table`).
Own code and not a settings library: this is the entrypoint's very purpose, and it is the first thing on the
way to the first page (attrs or pydantic would cost 30-150 ms there, `bench/boot`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from entrypoint.settings import parsing, users
from entrypoint.settings.volume_policy import POLICIES

#: Never passed on: variables that are somebody's secret and that no supervised program needs as such.
#: RUNPOD_API_KEY can delete the user's pods; the rest are logins of the user's at other services.
FOREIGN_SECRETS = ("RUNPOD_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "CIVITAI_TOKEN", "GITHUB_TOKEN")


class BadSettings(Exception):
    """The environment holds values that can't be used.

    Attributes:
        problems: One line each, ready to print.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def setting(variable: str, parse: Callable[[str], Any], default: Any, text: str, *, secret: bool = False) -> Any:
    """One setting: its variable, how its text becomes a value, its default, and what the README says of it."""
    about = {"variable": variable, "parse": parse, "text": text, "secret": secret}
    return field(default=default, repr=not secret, metadata=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the user can set. An empty variable counts as unset (compose files write `X=${X:-}`)."""

    jupyter_port: int = setting("JUPYTER_PORT", parsing.port, 8189, "Port JupyterLab listens on.")
    comfyui_port: int = setting("COMFYUI_PORT", parsing.port, 8188, "Port ComfyUI is reached at, behind the login.")
    comfyui_internal_port: int = setting(
        "COMFYUI_INTERNAL_PORT", parsing.port, 18188,
        "Port ComfyUI itself listens on, on the loopback. The same as `COMFYUI_PORT`: there is no gateway.",
    )  # fmt: skip
    status_port: int = setting("STATUS_PORT", parsing.port, 8190, "Port of the status page.")
    jupyter_enabled: bool = setting("JUPYTER_ENABLED", parsing.boolean, True, "Run JupyterLab.")
    comfyui_enabled: bool = setting("COMFYUI_ENABLED", parsing.boolean, True, "Run ComfyUI.")
    status_enabled: bool = setting("STATUS_ENABLED", parsing.boolean, True, "Run the status page.")
    jupyter_auth: str = setting(
        "JUPYTER_AUTH", parsing.choice("token", "none"), "token",
        "`token`: JupyterLab asks for the token. `none`: anybody who knows the address can run commands; "
        "warned of at every start.",
    )  # fmt: skip
    comfyui_auth: str = setting(
        "COMFYUI_AUTH", parsing.choice("token", "none"), "token",
        "`token`: ComfyUI asks for the same token. `none`: anybody who knows the address can use it; warned of "
        "at every start.",
    )  # fmt: skip
    jupyter_token: str = setting(
        "JUPYTER_TOKEN", parsing.token, "",
        "The login token. Unset: `JUPYTER_PASSWORD`, else one is made once and kept on the volume.", secret=True,
    )  # fmt: skip
    jupyter_password: str = setting(
        "JUPYTER_PASSWORD",
        parsing.token,
        "",
        "RunPod's name for the token; `JUPYTER_TOKEN` wins.",
        secret=True,
    )
    allowed_origins: tuple[str, ...] = setting(
        "JUPYTER_ALLOWED_ORIGINS", parsing.origins, (),
        "Further web origins whose pages may use the login cookie, separated by commas "
        "(your own domain in front of the pod).",
    )  # fmt: skip
    jupyter_memory_limit: int = setting(
        "JUPYTER_MEMORY_LIMIT", parsing.mebibytes, 0,
        "MiB that JupyterLab, its kernels and terminals may use together before JupyterLab is restarted. "
        "0: as much as the container may.",
    )  # fmt: skip
    comfyui_memory_limit: int = setting(
        "COMFYUI_MEMORY_LIMIT", parsing.mebibytes, 0,
        "MiB of memory that ComfyUI may use before it is restarted. 0: as much as the container may.",
    )  # fmt: skip
    comfyui_args: tuple[str, ...] = setting(
        "COMFYUI_ARGS", parsing.arguments, (), "Further arguments for ComfyUI, as a shell would take them."
    )
    comfyui_dir: str = setting(
        "COMFYUI_DIR", parsing.path, "",
        "Folder of ComfyUI's code. Unset: the image's own, or in local mode a clone of `COMFYUI_REPO`.",
    )  # fmt: skip
    comfyui_python: str = setting(
        "COMFYUI_PYTHON",
        parsing.path,
        "",
        "Python that runs ComfyUI. Unset: the one of ComfyUI's own environment.",
    )
    comfyui_repo: str = setting(
        "COMFYUI_REPO", parsing.repository, "https://github.com/comfyanonymous/ComfyUI",
        "Where local mode clones ComfyUI from.",
    )  # fmt: skip
    comfyui_ref: str = setting("COMFYUI_REF", parsing.git_ref, "v0.29.0", "Tag or branch that local mode clones.")
    volume_policy: str = setting(
        "VOLUME_POLICY", parsing.choice(*POLICIES), "auto",
        "What is made readable and writable on the volume: `top` (the data folder and its first level), `owner` "
        "(everything belongs to PUID:PGID), `group`, `shared` (everybody), or `auto`: `top`, and more only where "
        "the services run unprivileged.",
    )  # fmt: skip
    puid: str = setting(
        "PUID", users.user_id, "", "User id the services run as and the volume's files belong to. Unset: the pod's own."
    )  # fmt: skip
    pgid: str = setting("PGID", users.user_id, "", "Group id, likewise. Unset: the same number as `PUID`.")
    run_as: str = setting("RUN_AS", users.run_as, "", "`uid:gid` the services run as, where it is not `PUID`:`PGID`.")
    umask: str = setting(
        "UMASK", users.umask, "", "umask of the services, octal. Unset: 022; 002 under `group`, 000 under `shared`."
    )  # fmt: skip
    models: str = setting(
        "MODELS", parsing.choice("auto", "none"), "",
        "What is fetched in the background once the services answer. `auto`: the catalogue's bundles in order, as "
        "far as they fit on the disk; `DOWNLOAD_<BUNDLE>=true` or `false` (and `DOWNLOAD_ALL`) say otherwise. `none`: "
        "nothing. Unset: `auto` in the image; in local mode only what a `DOWNLOAD_<BUNDLE>=true` names.",
    )  # fmt: skip
    models_manifest: str = setting(
        "MODELS_MANIFEST", parsing.manifest, "",
        "Path or https:// address of a manifest of your own, in place of the catalogue. Unset: `models.toml` in "
        "the data folder, if there is one.",
    )  # fmt: skip
    models_rate_limit: int = setting(
        "MODELS_RATE_LIMIT", parsing.megabytes, 0, "MB/s that model downloads may use together. 0: no limit."
    )
    models_hours: str = setting(
        "MODELS_HOURS", parsing.hours, "", "Hours of the pod's clock in which models may be fetched: `22-6`."
    )
    hf_endpoint: str = setting(
        "HF_ENDPOINT", parsing.web_address, "https://huggingface.co",
        "The Hugging Face hub or a mirror of it; `HF_TOKEN` goes there.",
    )  # fmt: skip
    hf_token: str = setting("HF_TOKEN", parsing.token, "", "Login at Hugging Face for gated models.", secret=True)
    civitai_token: str = setting("CIVITAI_TOKEN", parsing.token, "", "Login at Civitai.", secret=True)
    github_token: str = setting("GITHUB_TOKEN", parsing.token, "", "Login at GitHub.", secret=True)
    home: str = setting(
        "PODKEEPER_HOME", parsing.path, "",
        "Local mode: the one folder that holds everything (`scripts/run` sets it). Unset: the image's own paths.",
    )  # fmt: skip
    user_home: str = setting("HOME", parsing.path, "/root", "Home folder; `.jupyter` in it holds the configuration.")
    pod_id: str = setting(
        "RUNPOD_POD_ID", parsing.pod_id, "", "Set by RunPod; the pod's public addresses are made from it."
    )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            BadSettings: Some value can't be used; `problems` names every one.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for each in fields(cls):
            text = environ.get(each.metadata["variable"], "").strip()
            if not text:
                continue
            try:
                values[each.name] = each.metadata["parse"](text)
            except ValueError as error:
                shown = "(secret)" if each.metadata["secret"] else repr(text)
                problems.append(f"cannot use {each.metadata['variable']}={shown}: {error}")
        settings = cls(**values)
        problems += contradictions(settings)
        if problems:
            raise BadSettings(tuple(problems))
        return settings

    @property
    def token(self) -> str:
        """The login token the user chose, or "" where one has to be made."""
        return self.jupyter_token or self.jupyter_password

    @property
    def gateway(self) -> bool:
        """Whether ComfyUI is behind the gateway. Where nginx is missing, both ports are made one (`gateway.nginx`)."""
        return self.comfyui_internal_port != self.comfyui_port

    def public_url(self, port: int) -> str:
        """Where a browser reaches `port`: RunPod's proxy address, else this machine itself."""
        if self.pod_id:
            return f"https://{self.pod_id}-{port}.proxy.runpod.net"
        return f"http://localhost:{port}"

    def to_environ(self) -> dict[str, str]:
        """Every setting that is no secret, as text that `from_environ` reads back as the same settings."""
        return {
            each.metadata["variable"]: _as_text(getattr(self, each.name))
            for each in fields(self)
            if not each.metadata["secret"]
        }


def secret_variables() -> tuple[str, ...]:
    """The names of all variables that must not reach supervisord's environment."""
    own = tuple(each.metadata["variable"] for each in fields(Settings) if each.metadata["secret"])
    return own + FOREIGN_SECRETS


#: ComfyUI arguments that would take ComfyUI away from where everybody looks for it, and what to set instead.
_OWNED_ARGUMENTS = {
    "--port": "set COMFYUI_PORT instead",
    "--listen": "the gateway listens, ComfyUI is behind it",
    "--base-directory": "its data folder is the volume's comfyui folder",
    "--quick-test-for-ci": "it would exit at once and be restarted for ever",
    "--list-feature-flags": "it would exit at once and be restarted for ever",
    "--help": "it would exit at once and be restarted for ever",
    "-h": "it would exit at once and be restarted for ever",
}


def contradictions(settings: Settings) -> list[str]:
    """Problems that no single value shows."""
    problems = []
    taken: dict[int, str] = {}
    for each in fields(Settings):
        if each.metadata["parse"] is not parsing.port:
            continue
        variable, port = each.metadata["variable"], getattr(settings, each.name)
        if (variable, taken.get(port)) == ("COMFYUI_INTERNAL_PORT", "COMFYUI_PORT"):
            continue  # how users say that there is no gateway
        if port in taken:
            problems.append(f"cannot use {variable}='{port}': {taken[port]} is the same")
        taken.setdefault(port, variable)
    for argument in settings.comfyui_args:
        name = argument.partition("=")[0]
        if name in _OWNED_ARGUMENTS:
            problems.append(f"cannot use {name} in COMFYUI_ARGS: {_OWNED_ARGUMENTS[name]}")
    return problems


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        import shlex  # only here, already loaded by the parser

        return shlex.join(value)
    return str(value)
