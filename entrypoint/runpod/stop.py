"""A: stops the pod through RunPod's API.

The order: ask whether the API takes the key; stop the services cleanly; ask for the stop; wait for its effect. An API
that fails must not leave a pod that costs and does nothing. So supervisord itself runs on (a container that exits is
started again by RunPod), the page and the door stay up, and where the stop fails the services are started again. The
other order, the API first, would leave the services what RunPod's SIGTERM leaves them: no document says how long.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from entrypoint.runpod.answers import Trouble, pause
from entrypoint.runpod.api import Api
from entrypoint.system.supervisord_rpc import Refused, call

#: Not stopped for the stop of the pod: they show and log what happens, or cost nothing to end.
STAY_UP = frozenset({"runpod", "meter", "status", "gateway", "logs", "prober", "announce", "sshd"})
#: Seconds: for the API to take a request; until a request that was taken ends this pod; for the services to stop.
LONGEST_S, EFFECT_S, SERVICES_S = 600.0, 90.0, 12.0
#: How often a request that was taken and had no effect is repeated.
ROUNDS = 3
#: The outcome where the stop is no longer asked for: the user is back.
CALLED_OFF = "it was called off"
_RPC_S = 15.0
_ACTIVE = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")


class Programs:
    """supervisord's programs."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def active(self) -> list[str]:
        """Those that run or wait for a restart. Raises OSError."""
        found = call(self._socket, "supervisor.getAllProcessInfo", timeout=_RPC_S)
        return [str(each["name"]) for each in found if each.get("statename") in _ACTIVE]

    def stop(self, names: list[str]) -> None:
        """Send each its stop signal; supervisord kills what does not end. Raises OSError."""
        for name in names:
            with contextlib.suppress(Refused):  # it has ended by itself
                call(self._socket, "supervisor.stopProcess", name, False, timeout=_RPC_S)

    def start(self, names: list[str]) -> None:
        """Start each. Raises OSError."""
        for name in names:
            with contextlib.suppress(Refused):  # it runs already
                call(self._socket, "supervisor.startProcess", name, False, timeout=_RPC_S)

    def shut_down(self) -> None:
        """End supervisord, and with it the container, with exit code 0. Raises OSError."""
        with contextlib.suppress(Refused):  # it does so already
            call(self._socket, "supervisor.shutdown", timeout=_RPC_S)


class Stop:
    """One attempt to stop the pod. `action`: stop or terminate; `note`: keeps the names of what was stopped; `wanted`:
    whether the stop is still asked for."""

    def __init__(
        self,
        api: Api,
        action: str,
        programs: Programs,
        note: Callable[[list[str]], None],
        say: Callable[[str], None],
        wanted: Callable[[], bool],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._action, self._programs = api, action, programs
        self._note, self._say, self._wanted, self._sleep, self._clock = note, say, wanted, sleep, clock

    def run(self, stopped: list[str]) -> str:
        """Stop the pod. Returns only where that failed, or was called off: why, in one line; the services run again.

        `stopped`: what an earlier attempt, which was killed, has stopped.
        """
        problem = self._until_taken(self._api.get)
        if not problem:
            self._stop_services(stopped)
            problem = self._stop_pod()
        if stopped:
            self._say(f"the pod was not stopped; starting again: {', '.join(stopped)}")
            try:
                self._programs.start(stopped)
            except OSError as error:
                problem += f"; supervisord does not start the services again: {error}"
        return problem

    def _stop_pod(self) -> str:
        request = self._api.terminate if self._action == "terminate" else self._api.stop
        for _ in range(ROUNDS):
            if problem := self._until_taken(request):
                return problem
            self._say(f"RunPod has taken the request ({self._action}); this pod ends when RunPod ends it")
            self._sleep(EFFECT_S)
            self._say(f"the pod still runs {EFFECT_S:.0f} s after RunPod took the request")
        return f"RunPod took the request {ROUNDS} times, and the pod still runs"

    def _until_taken(self, request: Callable[[], object]) -> str:
        """Send a request until the API takes it. Returns why it does not, "": it did."""
        began, attempt = self._clock(), 0
        while True:
            if not self._wanted():
                return CALLED_OFF
            try:
                request()
                return ""
            except Trouble as trouble:
                wait = pause(attempt, trouble.after)
                if not trouble.temporary or self._clock() + wait - began > LONGEST_S:
                    return f"RunPod's API: {trouble}"
                self._say(f"RunPod's API: {trouble}; the next attempt is in {wait:.0f} s")
                self._sleep(wait)
                attempt += 1

    def _stop_services(self, stopped: list[str]) -> None:
        """Stop what runs, all at once, and wait for its end. What does not end must not keep the pod from stopping."""
        try:
            names = [name for name in self._programs.active() if name not in STAY_UP]
            stopped += [name for name in names if name not in stopped]
            self._note(stopped)
            self._say(f"stopping: {', '.join(names) or 'nothing runs'}")
            self._programs.stop(names)
            until = self._clock() + SERVICES_S
            while self._clock() < until and set(self._programs.active()) & set(names):
                self._sleep(0.2)
        except OSError as error:
            self._say(f"cannot stop the services cleanly: {error}; RunPod ends them")
