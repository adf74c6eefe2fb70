"""A: the custom nodes that load a bundle's files, installed beside its download: `nodes` of the manifest."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from entrypoint.conditions.condition import Condition
from entrypoint.models.catalogue.wanted import WantedBundle
from entrypoint.models.report import log
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition

NAME = "NodePackIncomplete"


class NodePacks(threading.Thread):
    """Installs the packs that the wanted bundles name; those that are here cost a look. Ends with the process."""

    def __init__(self, settings: Settings, paths: Paths, wanted: Sequence[WantedBundle]) -> None:
        super().__init__(daemon=True)
        self._settings, self._paths = settings, paths
        bundles = [each.bundle for each in wanted if each.wanted and each.bundle.nodes]
        self.packs = {bundle.nodes: bundle.name for bundle in bundles} if settings.comfyui_enabled else {}

    def run(self) -> None:
        """Install them, and restart ComfyUI where it has nothing to do."""
        if not self.packs:
            clear_condition(self._paths.runtime, NAME)
            return
        from entrypoint.nodes.inventory import NEW, inventory  # with the packs alone
        from entrypoint.nodes.pack import install_pack

        failed = [name for name in self.packs if install_pack(self._paths, name)]
        if any(node.state == NEW for node in inventory(self._paths)):
            self._restart()
        if not failed:
            clear_condition(self._paths.runtime, NAME)
        for name in failed:
            bundle = self.packs[name]
            reason = f"not all nodes of the pack {name}, which load the files of {bundle}, could be installed"
            remedy = f"see: podkeeper logs models; then: podkeeper nodes install {name}"
            raise_condition(self._paths.runtime, Condition(NAME, reason, remedy))
            log(f"models: {NAME}: {reason}")

    def _restart(self) -> None:
        from entrypoint.nodes.idle import restart_if_idle
        from entrypoint.nodes.outcome import Refused

        try:
            done = restart_if_idle(self._settings, self._paths)
        except Refused as refused:
            log(f"models: {refused}")
            return
        log("models: ComfyUI is restarted with the new nodes" if done else "models: then: podkeeper restart comfyui")
