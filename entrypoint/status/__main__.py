"""A: `python -I -m entrypoint.status`: the status server (`[program:status]`).

Nothing depends on it: killed or frozen, the services go on, and supervisord and the prober bring it back.
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

#: Behind the services in the queue for the processor, but not so far that it can't be looked at when they are busy.
NICE = 5


async def run(settings: Settings, paths: Paths) -> int:
    """Serve until SIGTERM."""
    token = (read_text(paths.token_file) or "") if settings.jupyter_auth == "token" else ""
    login = Login(token, read_text(paths.cookie_secret_file) or "", required=settings.jupyter_auth == "token")
    live = Live(settings, paths)
    try:
        serve(application(live, login), settings.status_port)
    except OSError as error:
        print(f"cannot listen on port {settings.status_port}: {error.strerror}; set STATUS_PORT", flush=True)
        return 1
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    looking = asyncio.ensure_future(live.run())
    gc.collect()
    gc.freeze()
    ended = asyncio.ensure_future(told.wait())
    await asyncio.wait([looking, ended], return_when=asyncio.FIRST_COMPLETED)
    if looking.done():
        looking.result()  # it ends by an error only: supervisord starts us again
    return 0


def main() -> int:
    """Settings and places come from the environment the entrypoint made."""
    os.nice(NICE)
    return asyncio.run(run(Settings.from_environ(os.environ), Paths.from_environ(os.environ)))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a thread that a dead volume holds must not hold us
