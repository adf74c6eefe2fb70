"""P: who may use the status server: who comes through the door; without a door, who has the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.door.direct_login import has_token, is_foreign, is_this_machine
from entrypoint.door.pass_through import is_from_door


@dataclass(frozen=True, slots=True)
class Login:
    """The login of the status server. A secret that could not be read is "", which no request can match.

    Attributes:
        door_secret: The door's secret; None: no door is in front of the server.
        token: The pod's token; without a door a request needs it. None: the login is switched off.
    """

    door_secret: str | None
    token: str | None

    def refusal(self, method: str, path: str, host: str, headers: Mapping[str, str]) -> int:
        """The HTTP status that refuses a request; 0: the request is let in. `headers` ignore case."""
        if self.door_secret is not None:
            return 0 if is_from_door(headers, self.door_secret) else 401
        if is_foreign(method, path, host, headers) or (self.token is None and not is_this_machine(host)):
            return 403
        return 0 if self.token is None or has_token(headers.get("Authorization", ""), self.token) else 401
