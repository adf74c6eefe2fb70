"""A: the queue's keeper inside ComfyUI: opens the journal, puts back what the last ComfyUI has left, and says so.

The handover node calls `install` while ComfyUI loads its nodes. What is put back is validated as a POST would be, once
every node is loaded (aiohttp's on_startup).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import record
from .adoption import adopt
from .comfyui import has_served, needs_login, sensitive, stopped_at, validated
from .files import read_small
from .hooks import Hooks, guarded
from .journal import Journal
from .lease import DEAD_S, folder_of, owner_of
from .names import MODE, REPORT, REQUEST
from .record import ASIDE, PENDING, RUNNING, Kept

#: Seconds that ComfyUI's start waits for the volume; seconds between two looks at requests.
_OPEN_S, _EVERY_S = 10.0, 0.5
#: Seconds that putting back waits until ComfyUI's response is noted; seconds between two looks.
_NOTED_S, _LOOK_S = 15.0, 0.05
#: Seconds that a response waits for its prompt to be on the disk.
_ANSWER_S = 5.0
_LOGIN = "it needs the login to comfy.org, which is not kept on the volume: queue it again in the browser"
#: Characters of a reason, and prompts of a report.
_LONGEST, _MOST = 300, 100


class Keeper:
    """The keeper.

    Attributes:
        problem: Why nothing is kept; "": all is.
        one_by_one: Held while a prompt is accepted whose id the client has chosen.
    """

    def __init__(self, server: Any, environ: Mapping[str, str], note_use: Callable[[Any], None]) -> None:
        self._server, self._note_use = server, note_use
        self._runtime = environ["PODKEEPER_RUNTIME_PATH"]
        self._mode = environ[MODE]
        owner = owner_of(self._runtime, environ.get("RUNPOD_POD_ID", ""))
        self.journal = Journal(folder_of(environ["PODKEEPER_MODELS_STATE_PATH"]), owner)
        self.hooks: Hooks | None = None
        self.problem = ""
        self.one_by_one = asyncio.Lock()
        self._left: list[Kept] = []
        self._restored: set[str] = set()
        self._asked: set[str] = set()
        self._again: float | None = None
        self._settled: asyncio.Event | None = None
        self._reported = ""

    def install(self) -> None:
        """Open the journal and wrap ComfyUI's queue. ComfyUI runs without, where the volume does not take it."""
        opening = threading.Thread(target=self._open, name="podkeeper-queue-open", daemon=True)
        opening.start()
        opening.join(_OPEN_S)
        if opening.is_alive():
            self.problem = "the volume does not respond"
        if not self.problem:
            self.journal.start()
            self.hooks = Hooks(self._server.prompt_queue, self.journal, self._runtime, self._starts)
            atexit.register(self.journal.close)
            self._left = record.live(self.journal.state, PENDING)  # now: what is accepted from here on is in the queue
            numbers = [int(abs(each.number)) + 1 for each in record.live(self.journal.state)]
            self._server.number = max([self._server.number, *numbers])
            self._server.app.on_startup.append(self._begin)
        else:
            print(f"podkeeper: the queue is not kept: {self.problem}", flush=True)
        with guarded():
            self._report()

    def _open(self) -> None:
        try:
            self.journal.open(stopped_at(f"{self._runtime}/restarts.json"))
        except Exception as error:  # a thread's own would be a traceback in ComfyUI's log
            self.problem = f"{self.journal.folder}: {getattr(error, 'strerror', None) or error}"

    async def _begin(self, _: Any) -> None:
        """ComfyUI is about to listen."""
        self._loop, self._settled = asyncio.get_running_loop(), asyncio.Event()
        threading.Thread(target=self._watch, name="podkeeper-queue-watch", daemon=True).start()

    # -- what the handover node asks ----------------------------------------------------------------------

    def live(self, prompt_id: str) -> Kept | None:
        """The prompt with this id that waits or runs."""
        found = self.journal.state.prompts.get(prompt_id)
        return found if found is not None and found.status in (PENDING, RUNNING) else None

    async def settled(self) -> None:
        """Wait until what the last ComfyUI has left is in the queue: a new prompt comes behind it."""
        if self._settled is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._settled.wait(), _ANSWER_S)

    async def written(self) -> None:
        """Wait until what was accepted is on the disk; not for ever: a volume that hangs is no reason not to run."""
        last = self.journal.last()
        if last is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(last)), _ANSWER_S)

    # -- the thread that watches ----------------------------------------------------------------------------

    def _watch(self) -> None:
        with guarded():
            self._wait_until_noted()
            self._adopt(self._left)
        if self._settled is not None:
            self._loop.call_soon_threadsafe(self._settled.set)
        while True:
            with guarded():
                if time.monotonic() > (self._again or 0.0):
                    self._adopt([])
                self._take_requests()
                self._report()
            time.sleep(_EVERY_S)

    def _wait_until_noted(self) -> None:
        """Wait until the program `nodes` has noted that ComfyUI responds: a prompt that ends it at once must not look
        like a start that failed, for which packages would be taken back (packages/environment.py)."""
        deadline = time.monotonic() + _NOTED_S
        while not has_served(f"{self._runtime}/reports/comfyui-starts.json") and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def _adopt(self, own: list[Kept]) -> None:
        """Put back what this pod's last ComfyUI and dead pods have left. Pods that seem to live are looked at once
        more, when their lease would have been renewed."""
        adopted: list[Kept] = []
        try:
            adopted, alive = adopt(self.journal)
            first = self._again is None
            self._again = time.monotonic() + DEAD_S + 10 if first and alive else float("inf")
        except OSError as error:
            print(f"podkeeper: cannot look for queues of other pods: {error}", flush=True)
        prompts = [each for each in (*own, *adopted) if each.status == PENDING]
        if not prompts:
            return
        if self._mode == "ask":
            self._asked |= {each.id for each in prompts}
            print(f"podkeeper: {len(prompts)} workflows were queued before: podkeeper queue restore", flush=True)
        else:
            self._put_back(prompts)

    def _put_back(self, prompts: list[Kept]) -> None:
        asyncio.run_coroutine_threadsafe(self._restore(prompts), self._loop).result()

    def _take_requests(self) -> None:
        """Requests of `podkeeper queue` and of the status page."""
        folder = f"{self._runtime}/requests"
        for name in sorted(os.listdir(folder)):
            if name.startswith(REQUEST):
                with guarded():  # anything may be there: a folder, a FIFO, a later version's
                    content = read_small(f"{folder}/{name}", 1 << 20)
                    os.unlink(f"{folder}/{name}")
                    wanted = json.loads(content)
                    self._obey(str(wanted["do"]), {str(each) for each in wanted["ids"]})

    def _obey(self, verb: str, ids: set[str]) -> None:
        """`restore` or `drop` prompts that are set aside or wait for an answer; no ids: all of those."""
        chosen = [each for each in self._held() if not ids or each.id in ids]
        if verb == "drop":
            for prompt in chosen:
                self.journal.add({"e": "end", "id": prompt.id, "how": "dropped", "at": time.time()})
        else:
            for prompt in chosen:
                self.journal.add({"e": "back", "id": prompt.id})
            self._put_back(chosen)
        self._asked -= {each.id for each in chosen}

    def _held(self) -> list[Kept]:
        with self.journal.lock:
            found = record.live(self.journal.state, PENDING, ASIDE)
        return [each for each in found if each.status == ASIDE or each.id in self._asked]

    # -- putting back, in ComfyUI's event loop ----------------------------------------------------------------

    async def _restore(self, prompts: list[Kept]) -> None:
        before = len(self._restored)
        for prompt in prompts:
            with guarded():
                why = await self._restore_one(prompt)
                if why:
                    self.journal.add({"e": "aside", "id": prompt.id, "why": why[:_LONGEST]})
                    print(f"podkeeper: workflow {prompt.id} is set aside: {why}", flush=True)
            await asyncio.sleep(0)  # requests are served in between
        if len(self._restored) > before:
            print(f"podkeeper: {len(self._restored) - before} workflows are in the queue again", flush=True)

    async def _restore_one(self, prompt: Kept) -> str:
        """Put it into ComfyUI's queue, with the outputs that are not there yet; returns why it cannot be run."""
        body = await asyncio.to_thread(self.journal.body, prompt)
        try:
            kept = json.loads(body)
            graph, extra = kept["prompt"], kept["extra"]
        except (ValueError, KeyError, TypeError):
            return "its record on the volume is damaged"
        if prompt.withheld and needs_login(graph):
            return _LOGIN
        outputs = [each for each in prompt.outputs if each not in prompt.finished]
        problem, outputs = await validated(prompt.id, graph, outputs)
        if problem:
            return problem
        if self.journal.state.prompts.get(prompt.id) is not prompt or prompt.status != PENDING:
            return ""  # it was dropped meanwhile, or is another pod's now
        self._server.number = max(self._server.number, int(abs(prompt.number)) + 1)
        self._restored.add(prompt.id)
        self._server.prompt_queue.put((record.as_given(prompt.number), prompt.id, graph, extra, outputs, *sensitive()))
        return ""

    def _starts(self, prompt_id: str, graph: Any) -> None:
        """A prompt begins; one that came by POST was noted there."""
        if prompt_id in self._restored:
            self._note_use(graph)

    # -- the report ---------------------------------------------------------------------------------------------

    def _report(self) -> None:
        """Replace the report among the reports where something has changed."""
        with self.journal.lock:
            waiting = record.live(self.journal.state, PENDING)
            aside = record.live(self.journal.state, ASIDE)
            damaged, problem = self.journal.state.damaged, self.problem or self.journal.problem
        asked = [each for each in waiting if each.id in self._asked]
        content = {
            "mode": self._mode, "problem": problem, "damaged": damaged, "waiting": len(waiting) - len(asked),
            "restored": len(self._restored), "asked": len(asked), "aside": [_shown(each) for each in aside[:_MOST]],
            "more": max(0, len(aside) - _MOST), "drained": bool(self.hooks and self.hooks.is_drained()),
        }  # fmt: skip
        text = json.dumps(content)
        if text != self._reported:
            path = f"{self._runtime}/reports/{REPORT}"
            part = f"{path}.{os.urandom(6).hex()}"
            with open(part, "x", encoding="utf-8") as file:
                file.write(text)
            os.replace(part, path)
            self._reported = text


def _shown(prompt: Kept) -> dict[str, Any]:
    return {"id": prompt.id, "why": prompt.why, "at": prompt.at}


def install(server: Any, environ: Mapping[str, str], note_use: Callable[[Any], None]) -> Keeper | None:
    """Keep the queue of ComfyUI's `server`; None where QUEUE_RESTORE=false, where it cannot be, and in a trial of
    another version, which runs beside the pod's ComfyUI.

    `note_use`: called with the graph of a prompt that was put back, when it begins.
    """
    if environ.get(MODE, "false") == "false":
        return None
    with guarded():
        keeper = Keeper(server, environ, note_use)
        keeper.install()
        return keeper
    return None
