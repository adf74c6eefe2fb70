"""A: the request handlers of the Queue card's buttons."""

from __future__ import annotations

from tornado.web import HTTPError

from entrypoint.queue import drain
from entrypoint.queue.journals import ask, read_report
from entrypoint.settings.paths import Paths
from entrypoint.status.handlers import ButtonHandler
from entrypoint.status.kept_queue import ids
from entrypoint.status.live import in_thread


class AllPrompts(ButtonHandler):
    """POST /queue/restore or drop: every workflow that is set aside or waits for an answer."""

    async def post(self, verb: str) -> None:
        await self.run_action(f"queue {verb}", _ask, self.live.paths, verb, [])


class OnePrompt(ButtonHandler):
    """POST /queue/ID/restore or drop: one that is set aside."""

    async def post(self, name: str, verb: str) -> None:
        if name not in ids(await in_thread(read_report, self.live.paths)):
            raise HTTPError(404)
        await self.run_action(f"queue {verb} {name!r}", _ask, self.live.paths, verb, [name])


class Accept(ButtonHandler):
    """POST /queue/accept: undoes a drain."""

    async def post(self) -> None:
        await self.run_action("drain --undo", _undo, self.live.paths)


def _ask(paths: Paths, verb: str, names: list[str]) -> str:
    try:
        ask(paths, verb, names)
    except OSError as error:
        return f"cannot ask ComfyUI: {error}"
    return ""


def _undo(paths: Paths) -> str:
    try:
        drain.undo(paths)
    except OSError as error:
        return f"cannot undo the drain: {error}"
    return ""
