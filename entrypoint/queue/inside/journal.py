"""A: the journal of one pod's prompts: a file on the volume that is appended to by one thread, with one sync for all
lines that wait.

    journal = Journal(folder, owner)
    journal.open(stopped_at)                 # reads what the last ComfyUI has left, decides, writes it anew
    journal.add(header, body).result(5)      # returns once the line is on the disk

Nothing that ComfyUI does waits for the volume, unless it asks for a line's `result`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from . import record
from .files import body_at, lines_of, open_file, sync_folder, write_all
from .lease import ADOPTED, JOURNAL, TAKEN
from .record import Kept, State

#: Bytes of one prompt, of all that are kept, and of lines that wait for the volume: above, a prompt is not kept.
MOST_PROMPT, MOST_KEPT, MOST_WAITING = 64 << 20, 2 << 30, 256 << 20
#: Bytes from which a file with more dead lines than live ones is written anew.
COMPACT_FROM = 64 << 20


class Journal:
    """The journal. Its methods may be called by any thread.

    Attributes:
        state: What the journal says, lines that still wait included.
        lock: Guards `state`.
        problem: Why the last lines could not be written; "": they could.
    """

    def __init__(self, folder: str, owner: str) -> None:
        self.folder, self.owner = folder, owner
        self.path = f"{folder}/{owner}{JOURNAL}"
        self.state = State()
        self.lock = threading.RLock()
        self.problem = ""
        self._lines: deque[tuple[bytes, Kept | None, Future[None]]] = deque()
        self._waiting = 0
        self._some = threading.Condition(self.lock)
        self._file = -1
        self._size = 0
        self._torn = False
        self._closed = False

    # -- the file ---------------------------------------------------------------------------------------

    def open(self, stopped_at: float = 0.0) -> None:
        """Read the file, decide about prompts that ran, and write it anew. `stopped_at`: see `record.settle`.

        Raises:
            OSError: The volume refuses.
        """
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        for name in os.listdir(self.folder):
            if name == f"{self.owner}{ADOPTED}" or name.startswith(f".{self.owner}."):  # a killed one's
                os.unlink(f"{self.folder}/{name}")
        state, source = State(), None
        try:
            source = open_file(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:  # a folder, a link, a FIFO: set aside
            os.rename(self.path, f"{self.path}.damaged-{os.urandom(4).hex()}")
            state.damaged, self.problem = 1, f"{self.path}: {error.strerror}"
        if source is not None:
            state = record.replay(lines_of(source.fileno()))
            record.settle(state, time.time(), stopped_at)
            if state.damaged:
                self._keep_damaged()
        self.state = state
        self._write_anew(source.fileno() if source is not None else -1)
        if source is not None:
            source.close()

    def start(self) -> None:
        """Start the thread that writes."""
        threading.Thread(target=self._run, name="podkeeper-queue", daemon=True).start()

    def close(self) -> None:
        """ComfyUI ends cleanly: what runs now is not at fault. Lines that come later are ignored."""
        with self.lock:
            done = self.add({"e": "stop", "at": time.time()})
            self._closed = True
            self._some.notify_all()
        with contextlib.suppress(Exception):
            done.result(2)

    def _keep_damaged(self) -> None:
        """Keep a copy of a damaged file, the last one alone."""
        copy = f"{self.path}.damaged"
        with contextlib.suppress(OSError):  # without hard links (some FUSE) there is no copy
            with contextlib.suppress(FileNotFoundError):
                os.unlink(copy)
            os.link(self.path, copy, follow_symlinks=False)

    def _write_anew(self, source: int) -> None:
        """Replace the file by one that has the live prompts, copied from `source`, and the ended ones' names.

        Copying needs no lock: this thread alone appends, and lines that wait are appended to the new file.
        """
        with self.lock:
            record.forget_ended(self.state)
        part = f"{self.folder}/.{self.owner}.{os.urandom(8).hex()}.tmp"
        file = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        size, places = 0, []
        try:
            for line, prompt in self._all_lines(source):
                write_all(file, line)
                if prompt:
                    places.append((prompt, (size, len(line))))
                size += len(line)
            os.fdatasync(file)
            os.rename(part, self.path)
        except BaseException:
            os.close(file)
            os.unlink(part)
            raise
        sync_folder(self.folder)
        with self.lock:
            for prompt, place in places:
                prompt.place = place
            before, self._file, self._size, self._torn = self._file, file, size, False
            if before >= 0:
                os.close(before)

    def _all_lines(self, source: int) -> Iterator[tuple[bytes, Kept | None]]:
        yield record.encode({"e": "journal", "version": record.VERSION, "owner": self.owner, "at": time.time()}), None
        with self.lock:
            prompts = list(self.state.prompts.values())
        for prompt in prompts:
            if not prompt.is_live():
                yield record.encode({"e": "end", "id": prompt.id, "how": prompt.how, "at": prompt.at}), None
            elif prompt.place[1]:  # else its line waits to be written
                body = body_at(source, prompt)
                if body:
                    yield record.encode(record.header_of(prompt), body), prompt
                else:
                    self.state.damaged += 1

    def body(self, prompt: Kept) -> bytes:
        """The body of a live prompt; b"" where it cannot be read."""
        with self.lock:
            return body_at(self._file, prompt)

    # -- lines ------------------------------------------------------------------------------------------

    def add(self, header: dict[str, Any], body: bytes = b"") -> Future[None]:
        """Take the step, and append its line. The result is there once that is on the disk; it raises OSError where
        the volume refuses, also where the prompt is too large or the journal full."""
        done: Future[None] = Future()
        with self.lock:
            refused = self._refused(len(body)) if body else ""
            if refused:
                self.problem = refused
                done.set_exception(OSError(refused))
            elif self._closed or not record.apply(self.state, header):
                done.set_result(None)
            else:
                line = record.encode(header, body)
                prompt = self.state.prompts.get(str(header.get("id"))) if body else None
                self._lines.append((line, prompt, done))
                self._waiting += len(line)
                self._some.notify_all()
        return done

    def last(self) -> Future[None] | None:
        """What to wait for until everything that was added is on the disk; None: it is."""
        with self.lock:
            return self._lines[-1][2] if self._lines else None

    def kept_bytes(self) -> int:
        """Bytes of the live prompts."""
        return sum(each.place[1] for each in self.state.prompts.values() if each.is_live())

    def _refused(self, size: int) -> str:
        if size > MOST_PROMPT:
            return f"a workflow of {size >> 20} MiB is not kept: {MOST_PROMPT >> 20} are the most"
        if self._waiting + size > MOST_WAITING:
            return "the volume does not respond"
        full = self.kept_bytes() + size > MOST_KEPT
        return f"the queue has more than {MOST_KEPT >> 30} GiB" if full else ""

    def _run(self) -> None:
        while True:
            with self._some:
                while not self._lines and not self._closed:
                    self._some.wait()
                batch = list(self._lines)
                if not batch:
                    return
            problem: OSError | None = None
            try:
                self._append(batch)
            except OSError as error:
                problem = error
            with self.lock:
                for _ in batch:  # until now `last` had to find them
                    self._waiting -= len(self._lines.popleft()[0])
                if problem:
                    self.problem = problem.strerror or str(problem)
                    self._forget(batch)
                elif any(prompt for _, prompt, _ in batch):
                    self.problem = ""
            for _, _, done in batch:
                done.set_exception(problem) if problem else done.set_result(None)
            with contextlib.suppress(OSError):  # the next batch tries again
                self._compact_if_large()

    def _append(self, batch: list[tuple[bytes, Kept | None, Future[None]]]) -> None:
        self._make_again_if_gone()
        lines = [line for line, _, _ in batch]
        if self._torn:
            lines.insert(0, b"\n")
        start = self._size + self._torn
        try:
            write_all(self._file, b"".join(lines))
            os.fdatasync(self._file)
        except OSError:
            self._torn = True
            self._size = os.fstat(self._file).st_size
            raise
        with self.lock:
            for line, prompt, _ in batch:
                if prompt:
                    prompt.place = (start, len(line))
                start += len(line)
            self._size, self._torn = start, False

    def _make_again_if_gone(self) -> None:
        """The user may remove the folder; who has adopted the journal leaves a mark (`is_lost`)."""
        if not os.path.lexists(self.path) and not self.is_lost():
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            self._write_anew(self._file)

    def _forget(self, batch: list[tuple[bytes, Kept | None, Future[None]]]) -> None:
        """Prompts whose lines could not be written are not kept."""
        for _, prompt, _ in batch:
            if prompt and self.state.prompts.get(prompt.id) is prompt:
                del self.state.prompts[prompt.id]

    def _compact_if_large(self) -> None:
        with self.lock:
            large = self._size > COMPACT_FROM and self._size > 2 * self.kept_bytes()
        if large:
            self._write_anew(self._file)

    def is_lost(self) -> bool:
        """Whether another pod has adopted this journal, because it took this pod for dead: what waits is its now."""
        if os.path.lexists(self.path):
            return False
        end = f".{self.owner}{TAKEN}"
        try:
            names = os.listdir(self.folder)
        except OSError:
            return False
        return f"{self.owner}{ADOPTED}" in names or any(name.endswith(end) for name in names)
