"""A: the entry point of the restart plugin: the factory that supervisord calls, with the fallback to stock behaviour.

supervisord.conf loads it with

    [rpcinterface:podkeeper]
    supervisor.rpcinterface_factory = entrypoint.supervision.plugin:make_rpcinterface

and needs a `[unix_http_server]` beside it: without one supervisord never calls factories.
This module imports nothing that could fail: a broken plugin must leave a stock supervisord, not a dead pod.
"""

import signal
import traceback
from typing import Any

from supervisor import events

BLOCKED_AT_BOOT = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
"""Blocked by the entrypoint before its exec: a stop that arrives while Python starts stays pending."""


def make_rpcinterface(supervisord: Any, **options: str) -> object:
    """supervisord calls this after building its programs and before installing its signal handlers.

    It does so again after a SIGHUP, with a new `supervisord`. `options` are the section's other lines.
    """
    events.subscribe(events.SupervisorRunningEvent, unblock_signals)
    try:
        from entrypoint.supervision.install import install

        return install(supervisord, options)
    except Exception:
        supervisord.options.logger.critical(
            "cannot install podkeeper's restart plugin; supervisord's stock behaviour applies:\n"
            + traceback.format_exc()
        )
        return StockInterface()


def unblock_signals(event: object) -> None:
    """supervisord's own handlers are installed by now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED_AT_BOOT)


class StockInterface:
    """The `podkeeper` RPC namespace where the plugin could not be installed."""
