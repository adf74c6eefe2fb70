"""A: JupyterLab's server extension behind the notification that the pod is stopped soon."""

from __future__ import annotations

from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web

from entrypoint.jupyter.meter_notice import notice
from entrypoint.meter.decide import limits_of, period
from entrypoint.meter.keep import BUTTON_S, keep
from entrypoint.meter.report import read_meter
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: Resource name for Jupyter's authorizer.
_RESOURCE = "podkeeper"


class _Handler(APIHandler):  # type: ignore[misc]
    auth_resource = _RESOURCE

    def initialize(self, settings: Settings, paths: Paths) -> None:
        self.pod_settings, self.pod_paths = settings, paths


class Notice(_Handler):
    """GET podkeeper/meter: {"every", "text", "at", "keep"} (meter_notice.py)."""

    @web.authenticated
    async def get(self) -> None:
        limits = limits_of(self.pod_settings)
        every = period(limits, "idle") if limits else 0.0
        self.finish(notice(read_meter(self.pod_paths), every))


class Keep(_Handler):
    """POST podkeeper/keep: the pod is kept for 2 h although it is idle."""

    @web.authenticated
    async def post(self) -> None:
        try:
            keep(self.pod_paths, BUTTON_S)
        except OSError as error:
            raise web.HTTPError(503, f"cannot write the request: {error.strerror}") from None
        self.set_status(204)
        self.finish()


def handlers(base: str, settings: Settings, paths: Paths) -> list[Any]:
    """The handlers below `base`."""
    common = {"settings": settings, "paths": paths}
    return [(f"{base}meter", Notice, common), (f"{base}keep", Keep, common)]
