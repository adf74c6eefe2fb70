"""P: how a service behind the door recognises the door, and the tickets that carry a login to another port.

The door adds DOOR_HEADER with the secret of this start to every request that it lets in, and never passes a client's
own header of that name. Behind the door there is no other login.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from entrypoint.settings.services import Service
from entrypoint.settings.settings import Settings

DOOR_HEADER = "X-Podkeeper-Door"
#: Seconds in which a browser has to follow a ticket.
TICKET_LIFETIME = 30


def is_from_door(headers: Mapping[str, str], secret: str) -> bool:
    """Whether the door let this request in; an empty `secret` lets nothing in."""
    given = headers.get(DOOR_HEADER, "")
    return bool(secret) and hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def keyed_digest(secret: str, text: str) -> str:
    """The digest of `text` under the door's secret, as nginx computes it (ngx_http_secure_link_module)."""
    md5 = hashlib.md5(f"{secret}{text}".encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(md5).decode().rstrip("=")


def pod_name(secret: str) -> str:
    """What the door calls itself at /podkeeper/health: tells this pod's door from another's, and is no secret."""
    return keyed_digest(secret, "pod")


def ticket_address(service: Service, settings: Settings, host: str, secret: str, now: float) -> str:
    """The address that opens `service` and logs the browser in there: on RunPod each port is a host of its own.

    Args:
        service: The service to open, with a public port.
        settings: The pod's settings.
        host: The Host of the request that asks.
        secret: The door's secret.
        now: Seconds since 1970.

    The ticket is not the token, holds for one service, and expires after TICKET_LIFETIME seconds.
    """
    port, expires = service.public_port(settings), int(now) + TICKET_LIFETIME
    name = urlsplit(f"//{host}").hostname or "localhost"
    name = f"[{name}]" if ":" in name else name
    base = settings.public_url(port) if settings.pod_id else f"http://{name}:{port}"
    if not (service.behind_door(settings) and service.asks_login(settings)):
        return f"{base}/"
    ticket = keyed_digest(secret, f"ticket:{service.name}:{expires}")
    return f"{base}/podkeeper/enter?ticket={ticket}&expires={expires}"
