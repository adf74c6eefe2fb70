"""A: checks before a launch, for everything that makes ComfyUI fail at start."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Collection, Mapping

from entrypoint.comfyui.arguments import LEGACY_MANAGER, MANAGER, NEEDS_PACKAGE, SAGE, LaunchFacts
from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.model_paths import extra_node_folders, local_model_paths, model_paths
from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.gpu.verdicts import PACKAGES, chooses_sage, key_of, read_verdict
from entrypoint.gpu.visible import gpu_visible
from entrypoint.nodes.image_nodes import link_image_nodes
from entrypoint.nodes.inventory import folder_of
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_text

#: ComfyUI-Manager's package.
_MANAGER = "comfyui_manager"


def collect(paths: Paths, source: Source) -> LaunchFacts:
    """Collect the facts that `arguments.build` decides on.

    Raises:
        CannotDo: ComfyUI's Python does not run, or has no torch.
    """
    sage = chooses_sage(paths) and SAGE in (read_text(f"{source.folder}/comfy/cli_args.py") or "")
    packages = _installed(source, ["torch", _MANAGER, *NEEDS_PACKAGE.values()], PACKAGES if sage else ())
    if not packages["torch"]:
        reason = f"{source.python} has no torch, so ComfyUI can't run"
        remedy = f"{source.python} -m pip install -r {source.folder}/requirements.txt, then podkeeper restart comfyui"
        raise CannotDo(Condition("ComfyUIPackagesMissing", reason, remedy))
    extra = model_paths(paths, source)
    promised = os.environ.get("RUNPOD_GPU_COUNT", "").strip()
    return LaunchFacts(
        gpu=gpu_visible(),
        gpus_promised=int(promised) if promised.isdigit() and len(promised) < 4 else 0,
        packages={name: bool(version) for name, version in packages.items()},
        attention=attention_for(paths, packages) if sage else "",
        model_paths=extra,
        extra_nodes=extra_node_folders(paths, source, extra),
        data_writable=os.access(paths.data, os.W_OK),
        database=other_database(source.folder, paths.home),
        handover=handover(source.folder),
        image_nodes=image_nodes(paths),
        local_models=local_model_paths(paths),
        manager=manager_arguments(source.folder) if packages[_MANAGER] else (),
    )


def other_database(folder: str, home: str) -> str:
    """The path of ComfyUI's database where its default, beside the code (`user/comfyui.db`), is not writable; else "".

    Under --read-only ComfyUI 0.29 would log an error and run without a database. The home is on a local disk, as a
    database requires, and belongs to the services' user.
    """
    default = f"{folder}/user"
    with contextlib.suppress(OSError):  # a fresh clone has none, and SQLite makes no folder
        os.makedirs(default, exist_ok=True)
    if os.access(default, os.W_OK):
        return ""
    known = "--database-url" in (read_text(f"{folder}/comfy/cli_args.py") or "")  # an older ComfyUI would exit 2
    return f"{home}/comfyui.db" if known else ""


def manager_arguments(folder: str) -> tuple[str, ...]:
    """The arguments for ComfyUI-Manager that this ComfyUI knows: an older one would exit 2."""
    known = read_text(f"{folder}/comfy/cli_args.py") or ""
    return tuple(argument for argument in (MANAGER, LEGACY_MANAGER) if f'"{argument}"' in known)


def handover(folder: str) -> str:
    """The path of podkeeper's extra_model_paths.yaml, or "" for a ComfyUI before December 2024: that one does not
    resolve its folder relative to the file, finds no such folder and exits 1."""
    known = "yaml_dir" in (read_text(f"{folder}/utils/extra_config.py") or "")
    return f"{os.path.dirname(os.path.abspath(__file__))}/handover/extra_model_paths.yaml" if known else ""


def image_nodes(paths: Paths) -> str:
    """The path of the extra_model_paths.yaml with the image's own nodes, or ""."""
    try:
        return link_image_nodes(paths, folder_of(paths))
    except OSError as error:
        print(f"comfyui: without the image's custom nodes: {error.filename}: {error.strerror}", flush=True)
        return ""


def attention_for(paths: Paths, versions: Mapping[str, str]) -> str:
    """The attention that a check has chosen for this GPU and these versions, or ""."""
    verdict = read_verdict(paths, key_of({name: versions.get(name, "") for name in PACKAGES}))
    return verdict.use if verdict else ""


def _installed(source: Source, packages: list[str], versioned: Collection[str] = ()) -> dict[str, str]:
    """Package -> "" where it is not installed, its version for those of `versioned`, else "installed"."""
    # The result is the last line: a wrapper around Python, or a sitecustomize, may print lines of its own.
    code = (
        "import importlib.util as u, json, sys\n"
        "def version(name):\n"
        "    if u.find_spec(name) is None: return ''\n"
        "    if name not in sys.argv[1].split(): return 'installed'\n"
        "    import importlib.metadata as m\n"
        "    try: return m.version(name)\n"
        "    except m.PackageNotFoundError: return 'installed'\n"
        "print('\\n' + json.dumps({name: version(name) for name in sys.argv[2:]}), flush=True)"
    )
    try:
        output = subprocess.run(
            [source.python, "-I", "-c", code, " ".join(versioned), *{*packages, *versioned}], stdin=subprocess.DEVNULL,
            capture_output=True, check=True,
            timeout=60,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise _python_missing(source, type(error).__name__) from error
    for line in reversed(output.decode(errors="replace").splitlines()):
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and found.keys() == {*packages, *versioned}:
                return {name: str(version) for name, version in found.items()}
    raise _python_missing(source, "it does not print what it is asked")


def _python_missing(source: Source, why: str) -> CannotDo:
    reason = f"ComfyUI's Python {source.python} does not run ({why})"
    return CannotDo(
        Condition("ComfyUIPythonMissing", reason, "set COMFYUI_PYTHON to the Python of ComfyUI's environment")
    )
