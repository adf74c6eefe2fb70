"""P: a model of a workflow -> a file for the fetcher, or why it cannot be one."""

from __future__ import annotations

from entrypoint.models.sources.base import NotAnAddress
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.pasted import one_file
from entrypoint.models.sources.registry import Sources, source_named
from entrypoint.workflows.needed import Model

#: The bundle of `models.toml` that fetched files join.
BUNDLE = "WORKFLOWS"
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".xz", ".zst", ".exe", ".sh", ".py")


def file_of(model: Model, sources: Sources) -> File:
    """The file. Raises NotAnAddress: the workflow's address cannot be used, or its folder is not known."""
    if not model.directory:
        raise NotAnAddress("the workflow does not say which model folder it belongs to")
    found = one_file(model.url, sources)
    if found.name.lower().endswith(_ARCHIVES):
        raise NotAnAddress("its address leads to an archive or a program, not to a model: unpack it by hand")
    source = source_named(found.keys["source"], sources)
    keys = {name: text for name, text in found.keys.items() if name != "source"}
    for name, rule in source.keys.items() if source else ():
        if name in keys and not rule.check(keys[name]):
            raise NotAnAddress(f"{name} of its address {rule.wanted}")
    return File(bundle=BUNDLE, source=found.keys["source"], dest=model.dest, keys=keys, sha256=model.sha256)
