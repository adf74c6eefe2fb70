"""A plugin whose policy always raises, for the test of the fallback."""

from typing import Any, NoReturn

from entrypoint.supervision import plugin
from entrypoint.supervision.policy import Backoff


def make_rpcinterface(supervisord: Any, **options: str) -> object:
    """As the real one."""
    Backoff.add_failure = _raise  # type: ignore[method-assign]
    return plugin.make_rpcinterface(supervisord, **options)


def _raise(self: Backoff, uptime: float, now: float) -> NoReturn:
    raise RuntimeError("deliberately broken")
