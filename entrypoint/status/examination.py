"""A: what the page's Help buttons do: run the doctor, and make a support bundle, each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from typing import Any

#: Seconds for all checks (each has a deadline of its own) and the bundle's logs.
LONGEST_S = 90.0
#: One at a time: a check may use a processor and the network.
_ONE = asyncio.Lock()


class NotPossible(Exception):
    """It cannot be done now; the message says why, in one line."""


async def findings() -> list[dict[str, Any]]:
    """The doctor's findings, as `podkeeper doctor --json` prints them.

    Raises:
        NotPossible: They run already, take too long, or end without a report.
    """
    output = await _doctor("--json")
    try:
        report = json.loads(output)
        return list(report["checks"])
    except (ValueError, KeyError, TypeError):
        raise NotPossible("the doctor has printed no report; try `podkeeper doctor` in a terminal") from None


async def bundle() -> bytes:
    """A support bundle: a .tar.gz without secrets.

    Raises:
        NotPossible: As `findings`.
    """
    with tempfile.TemporaryDirectory(prefix="podkeeper-bundle-") as folder:
        path = f"{folder}/bundle.tar.gz"
        await _doctor("--json", "--bundle", path)
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise NotPossible(f"the bundle was not written: {error.strerror}") from None


async def _doctor(*arguments: str) -> bytes:
    if _ONE.locked():
        raise NotPossible("the checks are running already")
    async with _ONE:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "entrypoint.doctor", *arguments, env=dict(os.environ),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            output, _ = await asyncio.wait_for(process.communicate(), LONGEST_S)
            return output
        except TimeoutError:
            raise NotPossible(f"it takes longer than {LONGEST_S:.0f} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
