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

from entrypoint.door.session import Login
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.live import Live
from entrypoint.status.server import application, serve
from entrypoint.system.files import read_text
from entrypoint.system.privileges import become_service_user

#: Niceness: the services' processes go first, but the page still responds while they are busy.
NICE = 5


async def run(settings: Settings, paths: Paths) -> int:
    """Serve until SIGTERM; returns the exit code."""
    token = (read_text(paths.token_file) or "") if settings.jupyter_auth == "token" else ""
    login = Login(token, read_text(paths.cookie_secret_file) or "", required=settings.jupyter_auth == "token")
    live = Live(settings, paths)  # collects the secrets that its pages leave out
    try:
        serve(application(live, login), settings.status_port)
    except OSError as error:
        print(f"cannot listen on port {settings.status_port}: {error.strerror}; set STATUS_PORT", flush=True)
        return 1
    become_service_user(settings)
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
    os.nice(NICE)
    return asyncio.run(run(Settings.from_environ(os.environ), Paths.from_environ(os.environ)))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a thread that waits for a dead volume must not keep the process alive
