"""A: the loop of the program `webhooks`."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from entrypoint.conditions.condition import Condition
from entrypoint.outputs.names import Found, output_folder
from entrypoint.outputs.receipts import Receipts
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.notify import is_address
from entrypoint.system.redaction import Redactor
from entrypoint.webhooks.message import body, identity_of, shown, targets
from entrypoint.webhooks.outbox import Letter, Outbox
from entrypoint.webhooks.sender import Receiver, is_hopeless
from entrypoint.webhooks.sources import OWN, Conditions, Events, Prompts

_EVERY_S = 1.0
#: Seconds between two looks at ComfyUI's history.
_PROMPTS_S = 3.0
#: Seconds for which a letter waits for the delivery of its outputs.
HOLD_S = 600.0
#: Failures in a row of an address after which the condition holds.
_FAILURES = 3


class Worker:
    """Sends the webhooks of one pod."""

    def __init__(
        self, settings: Settings, paths: Paths, receivers: Mapping[str, Receiver], redactor: Redactor, secret: str = ""
    ) -> None:
        """`receivers`: ON_DONE and ON_PROBLEM, those that are set. `secret`: signs what goes to a job's own address."""
        self._settings, self._paths, self._receivers, self._redactor = settings, paths, dict(receivers), redactor
        self._secret = secret
        self._outbox = Outbox(paths)
        self._prompts, self._conditions = Prompts(settings, paths, time.time()), Conditions(paths)
        self._events, self._receipts = Events(paths), Receipts(paths, settings.outputs_to)
        self._folder = output_folder(paths.data, settings.comfyui_args)
        self._pod = settings.pod_id or socket.gethostname()
        self._next_prompts = 0.0

    def run(self) -> None:
        """Work until stopped."""
        self._outbox.read()
        clear_condition(self._paths.runtime, OWN)
        while True:
            self.turn()
            time.sleep(_EVERY_S)

    def turn(self) -> None:
        """Collect and send."""
        now = time.time()
        for letter in self._events.take():
            self._add([letter])
        self._add(self._conditions.look(now))
        with contextlib.suppress(OSError):
            self._conditions.keep()
        if time.monotonic() >= self._next_prompts and self._settings.comfyui_enabled:
            self._next_prompts = time.monotonic() + _PROMPTS_S
            if letters := self._prompts.look():
                self._add(letters)
                with contextlib.suppress(OSError):
                    self._prompts.keep()
        self._send()

    def _add(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            data = self._redactor.tree(letter.data)
            for to in [letter.to] if letter.to else filter(self._receivers.__contains__, targets(letter.kind)):
                with contextlib.suppress(OSError):
                    self._outbox.add(replace(letter, identity=identity_of(letter.identity, to), to=to, data=data))

    def _send(self) -> None:
        self._receipts.read()
        for letter in list(self._outbox.letters.values()):
            receiver = self._receiver(letter.to)
            if receiver is None:
                self._outbox.give_up(letter)
            elif is_hopeless(letter, time.time()):
                self._report(letter)
                self._outbox.give_up(letter)
                self._forget_unused()
            elif receiver.is_due(time.time()) and not self._waits(letter):
                content = body(letter.kind, letter.at, self._pod, self._redactor.tree(self._data(letter)))
                if receiver.send(letter, content):
                    self._outbox.sent(letter)
                    self._settle()
                    self._forget_unused()
                else:
                    with contextlib.suppress(OSError):
                        self._outbox.keep(letter)
                    if receiver.failures >= _FAILURES:
                        self._report(letter)

    def _receiver(self, to: str) -> Receiver | None:
        if to not in self._receivers and is_address(to):
            self._receivers[to] = Receiver(to, self._secret, self._settings.webhooks_private)
        return self._receivers.get(to)

    def _forget_unused(self) -> None:
        """Forget the addresses of jobs to which nothing is left to be sent, and their failures."""
        used = {letter.to for letter in self._outbox.letters.values()}
        for to in [each for each in self._receivers if is_address(each) and each not in used]:
            del self._receivers[to]

    def _waits(self, letter: Letter) -> bool:
        """Whether the letter waits for the delivery of its outputs."""
        if not self._settings.outputs_to or time.time() - letter.at > HOLD_S:
            return False
        return any(not self._address(name) for name in letter.files)

    def _address(self, name: str) -> str:
        """Where an output is delivered to; "": it is not. One that was removed here counts by its last receipt."""
        with contextlib.suppress(OSError):
            found = os.stat(f"{self._folder}/{name}", follow_symlinks=False)
            if not self._receipts.has(name, Found(found.st_size, found.st_mtime_ns)):
                return ""
        return self._receipts.address(name)

    def _data(self, letter: Letter) -> dict[str, object]:
        if not self._settings.outputs_to or not letter.kind.startswith("prompt."):
            return letter.data
        addresses = {name: address for name in letter.files if (address := self._address(name))}
        return letter.data | {"delivered": addresses}

    def _report(self, letter: Letter) -> None:
        to = shown(letter.to)
        reason = f"{letter.kind} could not be sent to {to}: {letter.problem or 'there was no time for it'}"
        remedy = f"check {to} and its receiver; those given up are in {self._outbox.dead}"
        condition = Condition(OWN, self._redactor.text(reason), remedy)
        if raise_condition(self._paths.runtime, condition):
            print(f"webhooks: {condition}", flush=True)

    def _settle(self) -> None:
        if all(receiver.failures == 0 for receiver in self._receivers.values()):
            clear_condition(self._paths.runtime, OWN)
