"""A: what the status server answers, path by path; /events is in stream.py."""

from __future__ import annotations

import json
from collections.abc import Callable

from tornado.web import HTTPError

from entrypoint.door.session import Login
from entrypoint.status import actions, log_view, model_bundles
from entrypoint.status.base_handler import Handler, Private
from entrypoint.status.live import Live, in_thread
from entrypoint.status.metrics import CONTENT_TYPE, metrics_text

#: Seconds a button may take: a service that does not stop by itself is killed after 6.
DEED_PATIENCE = 30.0


class Alive(Handler):
    """/healthz: the server's loop turns."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain")
        self.finish("ok\n")

    head = get


class Ready(Handler):
    """/readyz: every service that is switched on answers."""

    async def get(self) -> None:
        ready = await self.live.ready()
        self.set_status(200 if ready else 503)
        self.set_header("Content-Type", "text/plain")
        await self.finish("ready\n" if ready else "not ready\n")

    head = get


class Page(Handler):
    """/: the page; whoever may not see it is asked to log in."""

    def initialize(self, live: Live, login: Login, page: bytes = b"") -> None:
        super().initialize(live, login)
        self.page = page

    def get(self) -> None:
        if not self.allowed:
            if self.foreign:
                raise HTTPError(403)
            self.redirect("login", status=303)
        elif self.get_query_argument("token", ""):
            self.let_in()
            self.redirect("./", status=303)  # the token leaves the address bar
        else:
            self.finish(self.page)


class LoginForm(Page):
    """/login: the form, and what it sends."""

    def get(self) -> None:
        if self.allowed:
            self.redirect("./", status=303)
        else:
            self.finish(self.page)

    def post(self) -> None:
        if self.foreign:
            raise HTTPError(403)
        if self.login.is_token(self.get_body_argument("token", "").strip()):
            self.let_in()
            self.redirect("./", status=303)
        else:
            self.redirect("login?wrong", status=303)


class StatusJson(Private):
    """/status.json: see shape.py."""

    async def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        await self.finish(json.dumps(await self.live.content()))


class Metrics(Private):
    """/metrics, for Prometheus."""

    async def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        await self.finish(metrics_text(await self.live.content()))


class Log(Private):
    """/logs/NAME?search=WORDS&lines=N&seen=MARK: the end of a log; 204 when it is as it was at MARK."""

    async def get(self, name: str) -> None:
        folder = self.live.paths.log
        known = await in_thread(log_view.names, folder)
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


class Deed(Private):
    """A button: 200 under way, 409 can't be done; why is in the body."""

    async def report(self, what: str, deed: Callable[..., str], *arguments: object) -> None:
        """Do it and tell."""
        print(f"{what}: asked for on the status page", flush=True)
        problem = await in_thread(deed, *arguments, patience=DEED_PATIENCE)
        if problem:
            print(f"{what}: {problem}", flush=True)
        self.set_status(409 if problem else 200)
        self.set_header("Content-Type", "application/json")
        await self.finish(json.dumps({"problem": problem}))


class Action(Deed):
    """POST /programs/NAME/VERB."""

    async def post(self, program: str, verb: str) -> None:
        if program not in actions.BUTTONS or verb not in actions.VERBS:
            raise HTTPError(404)
        await self.report(f"{verb} {program}", actions.act, self.live.paths, program, verb)


class Bundles(Private):
    """/bundles: the bundles of models that can be asked for."""

    async def get(self) -> None:
        offered = await in_thread(model_bundles.offered, self.live.settings, self.live.paths)
        await self.finish({"bundles": offered})


class FetchBundle(Deed):
    """POST /bundles/NAME/fetch."""

    async def post(self, name: str) -> None:
        await self.report(f"fetch {name}", model_bundles.fetch, self.live.settings, self.live.paths, name)
