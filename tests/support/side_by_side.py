"""Which tests pytest-xdist runs one after another in one process, where it runs several side by side."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

#: The parameters of the pods that the files of tests/browser share.
_SHARED_PODS = ("[Host kept", "[Host rewritten")


def scope_of(name: str) -> str:
    """The group of a test: its file, whose tests may share a pod, or a pod that several files share."""
    file, _, test = name.partition("::")
    return next((pod for pod in _SHARED_PODS if pod in test), file)


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """A scheduler that gives each process one group after another, in the order of collection."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        """xdist would begin with the groups of most tests; those of tests/unit, which take least, fill up the end."""
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def remove_node(self, node: WorkerController) -> None:
        """End the run where a process has died: xdist would run the test that killed it again, and wait for ever.

        https://github.com/pytest-dev/pytest-xdist/issues/1378
        """
        test = super().remove_node(node)
        if test:
            pytest.exit(f"the process {node.gateway.id} has died in {test}", returncode=3)

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
