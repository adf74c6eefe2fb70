"""A: the request handlers of the Nodes card's buttons."""

from __future__ import annotations

from tornado.web import HTTPError

from entrypoint.status import custom_nodes
from entrypoint.status.handlers import ButtonHandler
from entrypoint.status.live import in_thread
from entrypoint.status.node_work import AlreadyRunning
from entrypoint.system.files import read_json


class NodeButton(ButtonHandler):
    """The base of the handlers: 202 for started work, whose progress is in the snapshot; 409 while other work runs."""

    async def start(self, verb: str, name: str = "") -> None:
        """Start the work and respond."""
        shown = f"nodes {verb} {name!r}" if name else f"nodes {verb}"
        print(f"{shown}: requested on the status page", flush=True)
        try:
            self.live.node_work.start(verb, name)
        except AlreadyRunning as error:
            await self.refuse(shown, str(error))
            return
        self.set_status(202)
        await self.finish({"problem": ""})


class NodeAction(NodeButton):
    """POST /nodes/NAME/repair, try or update."""

    async def post(self, name: str, verb: str) -> None:
        inventory = await in_thread(read_json, f"{self.live.paths.reports}/nodes.json")
        if name not in custom_nodes.names(inventory):
            raise HTTPError(404)
        await self.start(verb, name)


class Outdated(NodeButton):
    """POST /nodes/outdated: checks for updates."""

    async def post(self) -> None:
        await self.start("outdated")
