"""A: the restart plugin's door: the factory that supervisord calls, and what happens if it can't work.

supervisord.conf loads it with

    [rpcinterface:podkeeper]
    supervisor.rpcinterface_factory = entrypoint.supervision.plugin:make_rpcinterface

and needs a `[unix_http_server]` beside it: without one supervisord never calls factories.
Nothing is imported here that could fail: a broken plugin must leave a stock supervisord, not a dead pod.
"""

import signal
import traceback
from typing import Any

from supervisor import events

HELD_BACK = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
"""Blocked by the entrypoint before its exec: a stop that arrives while Python starts is kept, not lost."""


def make_rpcinterface(supervisord: Any, **options: str) -> object:
    """supervisord calls this after building its programs and before installing its signal handlers.

    It does so again after a SIGHUP, with a new `supervisord`. `options` are the section's other lines.
    """
    events.subscribe(events.SupervisorRunningEvent, let_signals_in)
    try:
        from entrypoint.supervision.install import install

        return install(supervisord, options)
    except Exception:
        supervisord.options.logger.critical(
            "cannot keep restarts in our own hands; supervisord's stock behaviour applies:\n" + traceback.format_exc()
        )
        return StockInterface()


def let_signals_in(event: object) -> None:
    """supervisord's own handlers are in place by now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)


class StockInterface:
    """What answers to the `podkeeper` RPC namespace when the plugin could not be set up."""
