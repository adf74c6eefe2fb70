"""A: the status server: `python -I -m entrypoint.status` (`[program:status]`).

No service depends on it: when it is killed or frozen, the services keep running, and supervisord and the prober
restart it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.status.live import Live
from entrypoint.status.login import Login
from entrypoint.status.server import application, serve
from entrypoint.system.files import read_text
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.privileges import become_service_user


async def run(settings: Settings, paths: Paths) -> int:
    """Serve until SIGTERM; returns the exit code."""
    status = service_named("status")
    login = Login(
        door_secret=(read_text(paths.door_secret_file) or "") if status.behind_door(settings) else None,
        token=(read_text(paths.token_file) or "") if settings.jupyter_auth == "token" else None,
    )
    live = Live(settings, paths)  # collects the secrets that its pages leave out
    try:
        serve(application(live, login), status.port(settings))
    except OSError as error:
        variable = "STATUS_INTERNAL_PORT" if status.behind_door(settings) else "STATUS_PORT"
        print(f"cannot listen on port {status.port(settings)}: {error.strerror}; set {variable}", flush=True)
        return 1
    become_service_user(settings)
    live.node_work.recover()
    stop_requested = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_requested.set)
    collecting = asyncio.ensure_future(live.run())
    gc.collect()
    gc.freeze()
    stopping = asyncio.ensure_future(stop_requested.wait())
    await asyncio.wait([collecting, stopping], return_when=asyncio.FIRST_COMPLETED)
    if collecting.done():
        collecting.result()  # live.run() ends only by an error: supervisord restarts the server
    return 0


def main() -> int:
    """Run with the settings and paths in the environment that the entrypoint made."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    redact_output(settings, paths)
    return asyncio.run(run(settings, paths))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a thread that waits for a dead volume must not keep the process alive
