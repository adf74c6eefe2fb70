"""A: the request handlers of the status server, one for each path; /events is in events.py."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from tornado.web import HTTPError

from entrypoint.door.pass_through import ticket_address
from entrypoint.meter.keep import BUTTON_S, keep
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES
from entrypoint.status import actions, examination, log_view, model_bundles
from entrypoint.status.base_handler import BaseHandler, PrivateHandler
from entrypoint.status.live import Live, in_thread
from entrypoint.status.login import Login
from entrypoint.status.metrics import CONTENT_TYPE, metrics_text

#: Seconds a button's action may take: supervisord kills a service that does not stop after 6.
ACTION_TIMEOUT = 30.0


class Healthz(BaseHandler):
    """/healthz: liveness: the server's event loop runs."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain")
        self.finish("ok\n")

    head = get


class Readyz(BaseHandler):
    """/readyz: readiness: every enabled service responds."""

    async def get(self) -> None:
        ready = await self.live.ready()
        self.set_status(200 if ready else 503)
        self.set_header("Content-Type", "text/plain")
        await self.finish("ready\n" if ready else "not ready\n")

    head = get


class Page(PrivateHandler):
    """/: the page."""

    def initialize(self, live: Live, login: Login, page: bytes = b"") -> None:
        super().initialize(live, login)
        self.page = page

    def get(self) -> None:
        self.finish(self.page)


class OpenService(PrivateHandler):
    """/open/NAME: redirects to the service's own address, with a ticket that logs the browser in there."""

    def get(self, name: str) -> None:
        service = next((each for each in SERVICES if each.page and each.name == name), None)
        if service is None:
            raise HTTPError(404)
        self.set_header("Referrer-Policy", "no-referrer")
        secret = self.login.door_secret or ""
        self.redirect(ticket_address(service, self.live.settings, self.request.host, secret, time.time()))


class StatusJson(PrivateHandler):
    """/status.json: see schema.py."""

    async def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        await self.finish(json.dumps(await self.live.content()))


class Metrics(PrivateHandler):
    """/metrics, for Prometheus."""

    async def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        await self.finish(metrics_text(await self.live.content()))


class Log(PrivateHandler):
    """/logs/NAME?search=WORDS&lines=N&seen=MARK: the end of a log; 204 when it is unchanged since MARK."""

    async def get(self, name: str) -> None:
        folder = self.live.paths.log
        known = await in_thread(log_view.existing_logs, folder)
        if name not in known:
            raise HTTPError(404)
        search, lines = self.get_query_argument("search", ""), self.get_query_argument("lines", "300")
        if not lines.isdigit():
            raise HTTPError(400)
        try:
            view = await in_thread(log_view.view, f"{folder}/{known[name][1]}", search, int(lines), self.live.redactor)
        except OSError:
            raise HTTPError(503) from None
        if self.get_query_argument("seen", "") == view.mark:
            self.set_status(204)
            return
        self.set_header("Content-Type", "application/json")
        await self.finish(json.dumps(view._asdict()))


class ButtonHandler(PrivateHandler):
    """The base of the buttons' handlers: 200 for an accepted action, 409 for a failed one, with the reason."""

    async def run_action(self, name: str, action: Callable[..., str], *arguments: object) -> None:
        """Run `action`, which returns the reason for a failure or "", and respond with that reason."""
        print(f"{name}: requested on the status page", flush=True)
        problem = await in_thread(action, *arguments, timeout=ACTION_TIMEOUT)
        if problem:
            await self.refuse(name, problem)
            return
        await self.finish({"problem": ""})

    async def refuse(self, name: str, problem: str) -> None:
        """Respond with 409 and the reason, and log it."""
        print(f"{name}: {problem}", flush=True)
        self.set_status(409)
        await self.finish({"problem": problem})


class ProgramAction(ButtonHandler):
    """POST /programs/NAME/VERB."""

    async def post(self, program: str, verb: str) -> None:
        if program not in actions.BUTTONS or verb not in actions.VERBS:
            raise HTTPError(404)
        await self.run_action(f"{verb} {program}", actions.control, self.live.paths, program, verb)


class Keep(ButtonHandler):
    """POST /keep: the pod is kept for 2 h although it is idle."""

    async def post(self) -> None:
        await self.run_action("keep", _keep, self.live.paths)


def _keep(paths: Paths) -> str:
    try:
        keep(paths, BUTTON_S)
    except OSError as error:
        return f"cannot write the request: {error.strerror}"
    return ""


class Bundles(PrivateHandler):
    """/bundles: the model bundles that can be requested."""

    async def get(self) -> None:
        offered = await in_thread(model_bundles.offered, self.live.settings, self.live.paths)
        await self.finish({"bundles": offered})


class FetchBundle(ButtonHandler):
    """POST /bundles/NAME/fetch."""

    async def post(self, name: str) -> None:
        await self.run_action(f"fetch {name}", model_bundles.fetch, self.live.settings, self.live.paths, name)


class MoveBundle(ButtonHandler):
    """POST /bundles/NAME/first and /later."""

    async def post(self, name: str, where: str) -> None:
        settings, paths = self.live.settings, self.live.paths
        await self.run_action(f"{where} {name}", model_bundles.move, settings, paths, name, where)


class Doctor(ButtonHandler):
    """POST /doctor: runs every check; the findings."""

    async def post(self) -> None:
        print("doctor: requested on the status page", flush=True)
        try:
            await self.finish({"findings": await examination.findings()})
        except examination.NotPossible as error:
            await self.refuse("doctor", str(error))


class SupportBundle(ButtonHandler):
    """POST /bundle: a support bundle to download."""

    async def post(self) -> None:
        print("bundle: requested on the status page", flush=True)
        try:
            content = await examination.bundle()
        except examination.NotPossible as error:
            await self.refuse("bundle", str(error))
            return
        self.set_header("Content-Type", "application/gzip")
        self.set_header("Content-Disposition", 'attachment; filename="podkeeper-support.tar.gz"')
        await self.finish(content)
