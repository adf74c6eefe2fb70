"""A: the program `[program:prober]`: probes the pod's services."""

import os

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.supervision.prober.loop import run
from entrypoint.supervision.prober.targets import ProbeConfig, targets
from entrypoint.supervision.prober.watch import Folders
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.privileges import become_service_user


def main() -> None:
    """Run the prober with the settings and paths in the environment that the entrypoint prepared."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_service_user(settings)
    redact_output(settings, paths)  # it quotes ComfyUI's log
    run(targets(settings), Folders(paths.runtime, paths.log), ProbeConfig())


if __name__ == "__main__":
    main()
