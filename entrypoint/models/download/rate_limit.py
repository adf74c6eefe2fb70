"""A: the user's limits on the line: megabytes a second over all files, and hours of the day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from entrypoint.settings.hours import Hours, seconds_until


class Throttle:
    """Asked before each chunk (`hours`) and after each piece (`rate`)."""

    def __init__(
        self, bytes_per_second: float, hours: Hours | None, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """No limit: 0, and None. `tell`: hears when the hours are waited for."""
        self._rate, self._hours, self._tell = bytes_per_second, hours, tell
        self._free_at = 0.0
        self._told = False

    async def permission(self) -> None:
        """Return when it is an hour at which the line may be used."""
        while self._hours is not None:
            now = time.localtime()
            wait = seconds_until(self._hours, now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec)
            if not wait:
                self._told = False
                return
            if not self._told:
                self._told = True
                left = f"{wait // 3600} h {wait // 60 % 60} min"
                self._tell(f"MODELS_HOURS: the download waits for its hours, {left} more")
            await asyncio.sleep(min(wait, 60))

    async def took(self, count: int) -> None:
        """So many bytes have come: wait until they were allowed to."""
        if not self._rate:
            return
        now = time.monotonic()
        self._free_at = max(self._free_at, now - 0.1) + count / self._rate
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)
