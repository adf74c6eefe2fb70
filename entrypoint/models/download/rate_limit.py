"""A: the user's limits: megabytes a second over all files (MODELS_RATE_LIMIT), hours of the day (MODELS_HOURS)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from entrypoint.settings.hours import Hours, seconds_until


class RateLimit:
    """Delays downloads: before each segment for the hours, after each piece for the rate."""

    def __init__(
        self, bytes_per_second: float, hours: Hours | None, log: Callable[[str], None] = lambda _: None
    ) -> None:
        """No limit: 0, and None. `log`: receives a line when a download waits for its hours."""
        self._rate, self._hours, self._log = bytes_per_second, hours, log
        self._free_at = 0.0
        self._logged = False

    async def wait_for_hours(self) -> None:
        """Return when downloads are allowed at this hour."""
        while self._hours is not None:
            now = time.localtime()
            wait = seconds_until(self._hours, now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec)
            if not wait:
                self._logged = False
                return
            if not self._logged:
                self._logged = True
                left = f"{wait // 3600} h {wait // 60 % 60} min"
                self._log(f"MODELS_HOURS: the download waits for its hours, {left} more")
            await asyncio.sleep(min(wait, 60))

    async def spend(self, count: int) -> None:
        """Return when the rate allows for these received bytes."""
        if not self._rate:
            return
        now = time.monotonic()
        self._free_at = max(self._free_at, now - 0.1) + count / self._rate
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)
