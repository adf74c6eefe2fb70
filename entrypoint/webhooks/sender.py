"""A: sends letters: one address after another, the oldest letter first, with a wait after a failure."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from entrypoint.models.errors import ConnectionBroken, DownloadError
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.webhooks.message import headers
from entrypoint.webhooks.outbox import Letter

#: Seconds until the next attempt: doubled with each failure, up to the second figure; half of it is random.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 2.0, 600.0
#: Seconds after which a letter is given up, and attempts after which one is that the receiver refuses (4xx).
GIVE_UP_S, _REFUSED_ATTEMPTS = 6 * 3600.0, 5
_LIMITS = Limits(connect_timeout=10.0, stall_timeout=20.0)
#: Responses of 400-499 that ask for another attempt.
_LATER = (408, 425, 429)


@dataclass(slots=True)
class Receiver:
    """An address. `private`: whether it may be on a private network."""

    url: str
    secret: str
    private: bool
    failures: int = 0
    next: float = 0.0

    def is_due(self, now: float) -> bool:
        """Whether an attempt may be made."""
        return now >= self.next

    def send(self, letter: Letter, content: bytes) -> bool:
        """Make one attempt; False: it failed, and the letter says why.

        The response is not read, and a redirect is not followed: the signature is for this address alone.
        """
        now = time.time()
        try:
            status = asyncio.run(self._post(headers(letter.identity, int(now), content, self.secret), content))
            problem = "" if 200 <= status < 300 else f"HTTP {status}"
        except ConnectionBroken as error:
            status, problem = 0, str(error)
        except DownloadError as error:
            status, problem = 0, "its host is on a private network (set WEBHOOKS_PRIVATE=true to allow that)"
            if error.name != "PrivateAddress":
                problem = error.reason
        if not problem:
            self.failures = 0
            return True
        letter.attempts, letter.problem = letter.attempts + 1, problem
        self.failures += 1
        grown = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self.failures - 1, 20))
        self.next = time.time() + random.uniform(0.5, 1) * grown  # noqa: S311 # no secret
        return False

    async def _post(self, fields: dict[str, str], content: bytes) -> int:
        async with HttpClient(_LIMITS) as client:
            if self.private:
                client.allow(self.url)
            return await client.post(self.url, fields, content)


def is_hopeless(letter: Letter, now: float, give_up_s: float = GIVE_UP_S) -> bool:
    """Whether no further attempt is made."""
    status = int(letter.problem.removeprefix("HTTP ")) if letter.problem.startswith("HTTP ") else 0
    refused = 400 <= status < 500 and status not in _LATER
    return now - letter.at > give_up_s or (refused and letter.attempts >= _REFUSED_ATTEMPTS)
