"""A: the extra_model_paths.yaml files that ComfyUI gets: which are usable, and the folders of custom nodes in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from entrypoint.comfyui.installation import Source
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_bytes, write_atomically
from entrypoint.volumes.former_templates import model_paths_of_clones
from entrypoint.volumes.layout import LOCAL_MODEL_FOLDERS


def model_paths(paths: Paths, source: Source) -> dict[str, str]:
    """Each extra_model_paths.yaml that ComfyUI gets -> why it can't be used, or "": the user's, and that of a former
    template's clone whose folders are in use. ComfyUI reads the one beside its own code by itself."""
    own, nodes = f"{paths.data}/extra_model_paths.yaml", f"{paths.data}/custom_nodes"
    found = {own: model_paths_problem(own)} if os.path.exists(own) else {}
    read = [os.path.realpath(path) for path in (own, f"{source.folder}/extra_model_paths.yaml")]
    former = [path for path in model_paths_of_clones(paths) if os.path.realpath(path) not in read]
    return found | {path: model_paths_problem(path, nodes) for path in former}


def local_model_paths(paths: Paths) -> str:
    """The path of the extra_model_paths.yaml with the local disk's models (MODELS_CACHE=local), or "". The folders are
    made: ComfyUI watches those alone that it has seen."""
    if not paths.models_cache:
        return ""
    top, path = f"{paths.models_cache}/models", f"{paths.reports}/local_models.yaml"
    lines = [f"  {name}: {name}" for name in LOCAL_MODEL_FOLDERS]
    try:
        for name in LOCAL_MODEL_FOLDERS:
            os.makedirs(f"{top}/{name}", exist_ok=True)
        write_atomically(path, "\n".join(["podkeeper_local:", f"  base_path: {top}", *lines, ""]), durable=False)
    except OSError as error:
        print(f"comfyui: without models on the local disk: {error.filename}: {error.strerror}", flush=True)
        return ""
    return path


def model_paths_problem(path: str, nodes: str = "") -> str:
    """Why ComfyUI would exit 1 over this extra_model_paths.yaml (utils/extra_config.py of ComfyUI), or "".

    `nodes`: the folder of custom nodes that is in use, which this file may not name: each node would be loaded twice.
    """
    import yaml

    try:
        content = yaml.safe_load(read_bytes(path).decode())
    except OSError as error:
        return f"{error.strerror}"
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return "it is not YAML: " + " ".join(str(error).split())
    if not isinstance(content, dict):
        return "it must hold sections like `comfyui:` with folders below them"
    for section, folders in content.items():
        if folders is not None and not isinstance(folders, dict):
            return f"section {section!r} must hold lines like `checkpoints: folder`"
        for kind, folder in (folders or {}).items():
            if kind != "is_default" and not isinstance(folder, str):
                return f"{section}.{kind} must be a string, not {type(folder).__name__}"
    sections = [(section, folders) for section, folders in content.items() if folders]
    return next((why for section, folders in sections if (why := _nodes_problem(path, section, folders, nodes))), "")


def _nodes_problem(path: str, section: object, folders: dict[str, str], nodes: str) -> str:
    """ComfyUI exits 1 where a folder of custom nodes is missing; a missing folder of models does no harm."""
    for folder in _node_folders(path, folders):
        if not os.path.isdir(folder):
            return f"{section}.custom_nodes: there is no folder {folder}"
        if nodes and os.path.realpath(folder) == os.path.realpath(nodes):
            return f"{section}.custom_nodes: {folder} is in use already; remove that line"
    return ""


def _node_folders(path: str, folders: Mapping[str, Any]) -> Iterator[str]:
    """The folders of custom nodes in a section of the file, as ComfyUI resolves them."""
    base = os.path.join(os.path.dirname(path), os.path.expandvars(os.path.expanduser(folders.get("base_path", ""))))
    for line in filter(None, folders.get("custom_nodes", "").split("\n")):
        yield os.path.normpath(os.path.join(base, line))


def extra_node_folders(paths: Paths, source: Source, found: Mapping[str, str]) -> tuple[str, ...]:
    """The folders of custom nodes that the usable files name, and the one that ComfyUI reads beside its code.

    Args:
        paths: The pod's.
        source: ComfyUI.
        found: What `model_paths` has found.
    """
    import yaml

    beside = f"{source.folder}/extra_model_paths.yaml"
    own = [] if not os.path.exists(beside) or model_paths_problem(beside) else [beside]
    folders: list[str] = []
    for path in (*(path for path, problem in found.items() if not problem), *own):
        content = yaml.safe_load(read_bytes(path).decode())
        folders += [folder for section in content.values() if section for folder in _node_folders(path, section)]
    return tuple(folders)


def extra_model_folders(paths: Paths, source: Source) -> dict[str, list[str]]:
    """Model folder (`loras`) -> the further folders that the usable files name for it, as ComfyUI resolves them."""
    import yaml

    beside = f"{source.folder}/extra_model_paths.yaml"
    usable = [path for path, problem in model_paths(paths, source).items() if not problem]
    usable += [beside] if os.path.exists(beside) and not model_paths_problem(beside) else []
    local = [f"{paths.models_cache}/models"] if paths.models_cache else []
    found = {kind: [f"{top}/{kind}" for top in local] for kind in (LOCAL_MODEL_FOLDERS if local else ())}
    for path in usable:
        content = yaml.safe_load(read_bytes(path).decode())
        for section in filter(None, content.values()):
            given = os.path.expandvars(os.path.expanduser(section.get("base_path", "")))
            base = os.path.join(os.path.dirname(path), given)
            for kind, lines in section.items():
                if kind not in ("base_path", "is_default", "custom_nodes"):
                    folders = [os.path.normpath(os.path.join(base, line)) for line in lines.split("\n") if line]
                    found.setdefault(kind, []).extend(folders)
    return found
