"""A: what webhooks tell of: ComfyUI's history, the conditions that hold, and what programs leave (system/notify.py)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from entrypoint.conditions.registry import severity_of
from entrypoint.settings.destinations import webhook
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import conditions_since
from entrypoint.system.files import read_table, remove, write_json
from entrypoint.system.loopback_http import get_json
from entrypoint.webhooks.message import identity_of
from entrypoint.webhooks.outbox import Letter
from entrypoint.webhooks.prompts import finished

#: The condition about webhooks themselves: none could tell of it.
OWN = "WebhookNotDelivered"
_PROBE_S = 3.0
#: Workflows of the history that are asked for; more where all of them are new. An entry has its whole workflow in it.
_FEW, _MANY = 4, 64
_SEEN = 512
#: Events that are taken from the folder at once.
_MOST = 200


class Prompts:
    """Finished workflows of ComfyUI. `/history` with `max_items` suffices: a WebSocket would have to stay connected."""

    def __init__(self, settings: Settings, paths: Paths, now: float) -> None:
        self._port = service_named("comfyui").port(settings)
        self._state = f"{paths.models_state}/webhooks/prompts.json"
        kept = read_table(self._state)
        seen, since = kept.get("seen"), kept.get("since")
        self._seen = dict.fromkeys(map(str, seen)) if isinstance(seen, list) else {}
        self._since = float(since) if isinstance(since, int | float) else now

    def look(self) -> list[Letter]:
        """The workflows that have finished since the last look; call `keep` once their letters are kept."""
        found = finished(get_json(self._port, f"/history?max_items={_FEW}", _PROBE_S))
        if found and all(each.identity not in self._seen for each in found):
            found = finished(get_json(self._port, f"/history?max_items={_MANY}", _PROBE_S)) or found
        letters = []
        for each in found:
            if each.identity in self._seen:
                continue
            self._seen[each.identity] = None
            if each.ended < self._since:
                continue
            data = {"prompt_id": each.identity, "seconds": each.seconds, "outputs": list(each.outputs)}
            if each.error:
                data["error"] = each.error
            letter = Letter(identity_of("prompt", each.identity), f"prompt.{each.outcome}", each.ended, data=data)
            letter.files = list(each.outputs)
            letters.append(letter)
        return letters

    def keep(self) -> None:
        """Keep what was seen. Raises OSError: the volume refuses."""
        self._seen = dict.fromkeys(list(self._seen)[-_SEEN:])
        os.makedirs(os.path.dirname(self._state), exist_ok=True)
        write_json(self._state, {"since": self._since, "seen": list(self._seen)}, durable=True)


class Conditions:
    """Conditions that begin and end; those of a pod's start count as new ones. Notes are not told."""

    def __init__(self, paths: Paths) -> None:
        self._runtime, self._state = paths.runtime, f"{paths.reports}/webhooks.json"
        self._held = {str(name): each for name, each in read_table(self._state).items() if isinstance(each, dict)}

    def look(self, now: float) -> list[Letter]:
        """What has begun and ended since the last look; call `keep` once the letters are kept."""
        holds = {
            each.name: {
                "name": each.name, "severity": severity_of(each.name), "reason": each.reason, "remedy": each.remedy,
                "since": since,
            }
            for each, since in conditions_since(self._runtime)
            if each.name != OWN and severity_of(each.name) != "note"
        }  # fmt: skip
        letters = [_raised(name, each) for name, each in holds.items() if name not in self._held]
        letters += [
            Letter(identity_of("cleared", name, repr(each.get("since"))), "condition.cleared", now, data=dict(each))
            for name, each in self._held.items()
            if name not in holds
        ]
        self._held = holds
        return letters

    def keep(self) -> None:
        """Keep which conditions were told. Raises OSError: the runtime folder refuses."""
        write_json(self._state, self._held)


def _raised(name: str, about: dict[str, object]) -> Letter:
    since = float(str(about["since"]))
    return Letter(identity_of("raised", name, repr(since)), "condition.raised", since, data=about)


class Events:
    """What programs have left."""

    def __init__(self, paths: Paths) -> None:
        self._folder = paths.events

    def take(self) -> Iterator[Letter]:
        """The events, oldest first; each is removed after the next one is asked for."""
        try:
            names = sorted(name for name in os.listdir(self._folder) if name.endswith(".json"))
        except OSError:
            return
        for name in names[:_MOST]:
            table = read_table(f"{self._folder}/{name}")
            kind, at, data = (table.get(key) for key in ("type", "at", "data"))
            if isinstance(kind, str) and isinstance(at, int | float) and isinstance(data, dict):
                to = _address(table.get("to"))
                yield Letter(identity_of("event", name), kind[:100], float(at), to, data)
            with contextlib.suppress(OSError):
                remove(f"{self._folder}/{name}")


def _address(to: object) -> str:
    """A job's own address (jobs/webhook.py); "": none that can be used."""
    with contextlib.suppress(ValueError):
        return webhook(to) if isinstance(to, str) else ""
    return ""
