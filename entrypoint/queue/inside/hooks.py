"""A: what journals ComfyUI's queue: wrappers around the methods of its one PromptQueue (execution.py of ComfyUI 0.27 to
0.29). A wrapper that fails leaves what ComfyUI does alone.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from . import record
from .journal import Journal
from .names import DRAIN

#: Keys of `extra_data` that are not written to the volume: ComfyUI's own list (execution.py: SENSITIVE_EXTRA_DATA_KEYS)
#: is apart from `extra_data` already; clients may send others.
_SECRET = re.compile("token|api_?key|secret|passw|auth|credential", re.IGNORECASE)
#: Seconds that ComfyUI's worker, never its server, waits for a line to be on the disk.
_SYNC_S = 2.0
_DRAINED_S = 0.5


class Hooks:
    """The wrappers. `queue`: ComfyUI's PromptQueue; `on_start`: called with a prompt's id and graph as it begins."""

    def __init__(self, queue: Any, journal: Journal, runtime: str, on_start: Callable[[str, Any], None]) -> None:
        self._queue, self._journal, self._on_start = queue, journal, on_start
        self._drain = f"{runtime}/requests/{DRAIN}"
        self._deleting = False
        self._put, self._get, self._task_done = queue.put, queue.get, queue.task_done
        self._delete_queue_item, self._wipe_queue = queue.delete_queue_item, queue.wipe_queue
        for name in ("put", "get", "task_done", "delete_queue_item", "wipe_queue"):  # once all were found
            setattr(queue, name, getattr(self, name))
        _after_each_node(self._node_finished)

    def is_drained(self) -> bool:
        """Whether no prompt is accepted or begun."""
        return os.path.lexists(self._drain)

    # -- the wrappers -----------------------------------------------------------------------------------

    def put(self, item: Any, *more: Any, **named: Any) -> Any:
        """A prompt is accepted: by POST /prompt, or by a node."""
        with guarded():
            known = self._journal.state.prompts.get(item[1])
            if known is None or not known.is_live():  # else it is being put back
                header, body = line_of(item)
                self._journal.add(header, body)
        return self._put(item, *more, **named)

    def get(self, timeout: float | None = None) -> Any:
        """The worker asks for the next prompt."""
        while True:
            if self.is_drained():
                time.sleep(_DRAINED_S)
                if timeout is None:
                    continue
                return None  # the worker frees memory, where it was asked to, and comes again
            found = self._get(timeout=timeout)
            if found is None:
                return None
            item, number = found
            if self.is_drained():
                self._take_back(number, item)
            elif not self._is_lost(number, item):
                with guarded():
                    self._on_start(item[1], item[2])
                    self._journal.add({"e": "start", "id": item[1], "at": time.time()}).result(_SYNC_S)
                return found

    def task_done(self, item_id: Any, *more: Any, **named: Any) -> Any:
        """A prompt has ended. The wait comes last: clients hear of the end first."""
        done = None
        with guarded():
            status = named.get("status", more[1] if len(more) > 1 else None)
            done = self._end(self._queue.currently_running[item_id][1], how_of(status))
        result = self._task_done(item_id, *more, **named)
        with guarded():
            if done:
                done.result(_SYNC_S)
        return result

    def delete_queue_item(self, *more: Any, **named: Any) -> Any:
        """The user deletes one that waits."""
        with self._queue.mutex:
            before, self._deleting = self._ids(), True
            try:
                return self._delete_queue_item(*more, **named)
            finally:
                self._deleting = False
                self._removed(before, "deleted")

    def wipe_queue(self, *more: Any, **named: Any) -> Any:
        """The user clears the queue."""
        with self._queue.mutex:
            before = [] if self._deleting else self._ids()
            result = self._wipe_queue(*more, **named)
            self._removed(before, "cleared")
            return result

    def _node_finished(self, prompt_id: Any, node: Any) -> None:
        prompt = self._journal.state.prompts.get(prompt_id)
        if prompt is not None and node in prompt.outputs:
            self._journal.add({"e": "out", "id": prompt_id, "node": node})

    # -- their parts ------------------------------------------------------------------------------------

    def _ids(self) -> list[str]:
        with guarded():
            return [item[1] for item in self._queue.queue]
        return []

    def _removed(self, before: list[str], how: str) -> None:
        with guarded():
            for prompt_id in set(before) - set(self._ids()):
                self._end(prompt_id, how)

    def _end(self, prompt_id: str, how: str) -> Any:
        prompt = self._journal.state.prompts.get(prompt_id)
        if prompt is None or not prompt.is_live():
            return None  # it is not kept
        return self._journal.add({"e": "end", "id": prompt_id, "how": how, "at": time.time()})

    def _take_back(self, number: Any, item: Any) -> None:
        with self._queue.mutex:
            self._queue.currently_running.pop(number, None)
            heapq.heappush(self._queue.queue, item)

    def _is_lost(self, number: Any, item: Any) -> bool:
        """Whether another pod has taken this one for dead and runs its queue; then that is forgotten here."""
        with guarded():
            if not self._journal.is_lost():
                return False
            with self._journal.lock:
                theirs = {each.id for each in record.live(self._journal.state)}
                self._journal.state = record.State()
            self._journal.open()
            print("podkeeper: another pod has taken over the queue, because this one did not respond", flush=True)
            with self._queue.mutex:
                self._queue.queue = [each for each in self._queue.queue if each[1] not in theirs]
                heapq.heapify(self._queue.queue)
                if item[1] in theirs:
                    self._queue.currently_running.pop(number, None)
                    return True
        return False


_said: list[str] = [""]


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Nothing that ComfyUI does may depend on the block. What fails again and again is said once."""
    try:
        yield
    except Exception as error:
        words = f"podkeeper: the queue's journal: {type(error).__name__}: {error}"
        if words != _said[0]:
            print(words, flush=True)
        _said[0] = words


def line_of(item: Any) -> tuple[dict[str, Any], bytes]:
    """The journal's line for an item of ComfyUI's queue, without secrets.

    Raises:
        TypeError, ValueError, IndexError: It is none, or a node has put something into it that is no JSON.
    """
    number, prompt_id, graph, extra, outputs = item[:5]
    withheld = [*(item[5] if len(item) > 5 and item[5] else ()), *(key for key in extra if _SECRET.search(str(key)))]
    kept = {key: value for key, value in extra.items() if key not in withheld}
    body = json.dumps({"prompt": graph, "extra": kept}, separators=(",", ":")).encode()
    header = {
        "e": "put", "id": prompt_id, "number": number, "outputs": list(outputs), "at": time.time(),
        "client": str(extra.get("client_id") or ""), "withheld": sorted(set(map(str, withheld))),
    }  # fmt: skip
    return header, body


def how_of(status: Any) -> str:
    """How a prompt has ended, from ComfyUI's ExecutionStatus."""
    messages = getattr(status, "messages", None) or ()
    if any(message[0] == "execution_interrupted" for message in messages):
        return "interrupted"
    return "success" if getattr(status, "status_str", "") == "success" else "error"


def _after_each_node(call: Callable[[Any, Any], None]) -> None:
    """Call it with the prompt's id and the node's after each node: an end that is not written any more is known by its
    outputs then. A ComfyUI without this registry goes without."""
    try:
        from comfy_execution.progress import ProgressRegistry  # type: ignore[import-not-found] # ComfyUI's own

        stock = ProgressRegistry.finish_progress
    except (ImportError, AttributeError):
        return

    @functools.wraps(stock)
    def finish_progress(self: Any, node_id: Any, *more: Any, **named: Any) -> Any:
        result = stock(self, node_id, *more, **named)
        with guarded():
            call(self.prompt_id, node_id)
        return result

    ProgressRegistry.finish_progress = finish_progress
