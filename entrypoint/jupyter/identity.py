"""A: JupyterLab's identity providers: behind the door, and without one.

An identity provider is Jupyter Server's documented extension point for the user of a request. Behind the door the
token is empty, so no page of JupyterLab's contains it, and a program in the pod that finds the inner port gets nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider, User

from entrypoint.door.direct_login import is_foreign, is_this_machine
from entrypoint.door.pass_through import is_from_door

#: The door's secret; the launcher sets it.
door_secret = ""


class DoorIdentityProvider(IdentityProvider):  # type: ignore[misc]
    """The user is who comes through the door. There is no login of JupyterLab's own."""

    token = ""

    def get_user(self, handler: Any) -> User | None:
        """The user, or None for a request that did not come through the door."""
        return User("user") if is_from_door(handler.request.headers, door_secret) else None

    def get_handlers(self) -> list[Any]:
        """No pages to log in or out: they are the door's."""
        return []


class DirectIdentityProvider(PasswordIdentityProvider):  # type: ignore[misc]
    """Jupyter's own login by token, closed to pages of other origins; JupyterLab listens on the loopback then."""

    def get_user(self, handler: Any) -> User | None | Awaitable[User | None]:
        """The user, or None."""
        request = handler.request
        if is_foreign(request.method, request.path, request.host, request.headers):
            return None
        if not self.token and not is_this_machine(request.host):
            return None
        return super().get_user(handler)
