"""A user at work in JupyterLab, as the checks see it."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

from tests.support.browser.chromium import Watcher
from tests.support.browser.jupyterlab import Lab
from tests.support.browser.pods import Pod
from tests.support.waiting import wait_until

SOON = 20.0  # seconds for an effect on disk on a busy machine


@dataclasses.dataclass
class Visit:
    """A user at work: the tab, the pod behind it, files on the user's own disk, the developer tools."""

    lab: Lab
    pod: Pod
    desk: pathlib.Path
    watcher: Watcher
    patience: float = SOON

    def be_patient(self, seconds: float) -> None:
        """Wait this long for each effect, on disk or in the page."""
        self.patience = seconds
        self.lab.be_patient(seconds)

    def local_file(self, name: str, content: bytes) -> pathlib.Path:
        """A file on the user's own machine."""
        path = self.desk / name
        path.write_bytes(content)
        return path

    def arrives(self, name: str, content: bytes) -> None:
        """The pod's disk has this file with exactly this content."""
        path = self.pod.root / name
        wait_until(
            lambda: path.is_file() and path.read_bytes() == content,
            self.patience,
            f"{name} on the pod's disk, whole",
        )

    def layout_is_saved(self, with_terminals: bool) -> None:
        """JupyterLab stores which tabs are open a moment after they change; a reload before that loses it."""

        def saved() -> bool:
            workspace = self.pod.api("GET", "/lab/api/workspaces/default")
            return ("terminal:" in json.dumps(workspace)) == with_terminals

        wait_until(saved, self.patience, "the open tabs are stored on the pod", interval=0.1)


Check = Callable[[Visit], None]
