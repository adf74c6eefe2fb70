"""A: `[program:prober]`: watch the pod's services."""

import os

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.supervision.prober.loop import run
from entrypoint.supervision.prober.targets import Pace, targets
from entrypoint.supervision.prober.watch import Folders


def main() -> None:
    """Settings and places come from the environment the entrypoint made."""
    paths = Paths.from_environ(os.environ)
    run(targets(Settings.from_environ(os.environ)), Folders(paths.runtime, paths.log), Pace())


if __name__ == "__main__":
    main()
