"""A: JupyterLab's launcher: `python -P -m entrypoint.jupyter`.

`jupyter lab` spends a good part of its start on a call of node for yarn's registry (jupyterlab.commands:
`AppOptions.registry`), which only a rebuild of JupyterLab from source needs. Without node on the PATH it skips that
call; so PATH names no existing folder while JupyterLab is imported, and is restored before anything runs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable

from entrypoint.jupyter.folders import choose_root
from entrypoint.jupyter.lab_config import DIRECT, DOOR
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system import cgroup
from entrypoint.system.files import read_text, remove, write_atomically
from entrypoint.system.kept_changes import keep_changes
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.privileges import become_service_user
from entrypoint.system.thread_limits import thread_variables


def main() -> int:
    """Run JupyterLab with the configuration in JUPYTER_CONFIG_DIR; returns its exit code."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    door_secret = read_text(paths.door_secret_file) or ""  # while this process may still be root
    secrets = named_secrets(settings.terminal_secrets, paths)
    become_service_user(settings)
    os.environ.update(secrets)  # terminals and kernels inherit them, and the redactor knows them
    os.environ.update(thread_variables(cgroup.limits(), os.environ))  # for kernels, too
    redact_output(settings, paths)
    root = choose_root(paths)
    with contextlib.suppress(OSError):  # a volume that fails now must not keep JupyterLab down
        os.chdir(root)  # terminals start in this folder
    for name, text in keep_changes(paths).items():
        os.environ.setdefault(name, text)
    path = os.environ["PATH"]
    os.environ["PATH"] = "/nonexistent"  # an empty PATH means the default one
    gc.disable()  # imports make no garbage, and collecting meanwhile costs 5-10 % of the start
    from jupyterlab.labapp import main as run

    from entrypoint.jupyter import identity, user_config

    gc.enable()
    gc.freeze()
    os.environ["PATH"] = path
    elsewhere = [] if root == paths.data else [f"--ServerApp.root_dir={root}"]
    sys.argv = ["jupyter-lab", *fixed_options(settings), *elsewhere]
    add_extension()
    identity.door_secret = door_secret
    user_config.use_for_every_file()
    failure = f"{paths.reports}/jupyter_start_failure"
    if reason := read_text(failure):
        with contextlib.suppress(OSError):
            remove(failure)  # the next start tries the user's files again
        user_config.leave_out_files(reason)
    return run_or_record(run, failure)


def run_or_record(run: Callable[[], int | None], failure: str) -> int:
    """Run JupyterLab. Where it ends before it could listen, the next start is one without the user's files: no check
    of single values can foresee all that ends it."""
    from jupyter_server.serverapp import ServerApp

    reason = "it ended"
    try:
        return int(run() or 0)
    except SystemExit as error:
        reason = error.code if isinstance(error.code, str) else f"exit code {error.code}; see: podkeeper logs jupyter"
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        with contextlib.suppress(OSError):
            if not hasattr(ServerApp._instance, "_http_server"):
                write_atomically(failure, " ".join(reason.split())[:500])


def fixed_options(settings: Settings) -> list[str]:
    """The options that the user's own files can't change: where JupyterLab listens and whom it believes.

    A command-line option wins over all files, and holds where Jupyter drops a file, ours included.
    """
    jupyter = service_named("jupyter")
    return [
        f"--ServerApp.identity_provider_class={DOOR if jupyter.behind_door(settings) else DIRECT}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={jupyter.port(settings)}",
        "--ServerApp.port_retries=0",
        "--ServerApp.sock=",
        "--ServerApp.base_url=/",
    ]


def add_extension() -> None:
    """Add podkeeper's server extension as an installed package would: the user can still switch each one off.

    The configuration file is read too late for that; a command-line option would win over all files.
    """
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server")
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = f"{own}:{others}" if others else own


if __name__ == "__main__":
    sys.exit(main())
