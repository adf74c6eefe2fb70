"""P: settings and the login's secrets -> the text of the door's nginx.conf.

The templates beside this module are the configuration; every value inserted into them is a number, hexadecimal,
base64url, a name or an origin that the settings' parser has validated, so none needs escaping in quotes.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from entrypoint.door.origins import own_names, own_origins
from entrypoint.door.pass_through import keyed_digest, pod_name
from entrypoint.door.token_spellings import shape, spellings
from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings

#: Content-Security-Policy of the door's two pages: they fetch from the pod, and no page may frame them.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
#: What ComfyUI's page may ask the status server for -> bytes of the request's body, as nginx writes them.
WORKFLOW_OPERATIONS = {"plan": "32m", "fetch": "64k", "state": "1k"}
#: `token`, however its letters are encoded; nginx's regular expressions ignore case here.
TOKEN_NAME = "(?:t|%[57]4)(?:o|%[46]f)(?:k|%[46]b)(?:e|%[46]5)(?:n|%[46]e)"  # noqa: S105 # no secret


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of the login.

    Attributes:
        token: The pod's token.
        cookie_secret: Secret kept on the volume: with the same token, logins survive a restart.
        key: The door's secret of this start: both sides of a comparison are hashed with it, and JupyterLab and the
            status server recognise the door by it.
    """

    token: str
    cookie_secret: str
    key: str

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self.cookie_secret.encode(), f"{purpose}\0{self.token}".encode(), "sha256")

    @property
    def cookie(self) -> str:
        """The login cookie's value, 43 characters: not the token, and invalid once the token changes."""
        return base64.urlsafe_b64encode(self._derived("cookie")).decode().rstrip("=")

    @property
    def cookie_name(self) -> str:
        """The cookie's name. Part of it derives from the token, so that a cookie of another token, or of another pod
        behind the same `localhost`, counts as missing and not as wrong."""
        return "podkeeper-" + self._derived("cookie's name").hex()[:8]

    def digest(self, kind: str, text: str) -> str:
        """The keyed digest of a credential, as nginx computes it."""
        return keyed_digest(self.key, f"{kind}:{text}")


def config_text(
    templates: Mapping[str, str], settings: Settings, secrets: Secrets, *, hostname: str, connections: int,
    without: Collection[str] = (), ipv6: Collection[int] = (), as_root: bool = False,
) -> str:  # fmt: skip
    """The whole file.

    Args:
        templates: The texts of nginx.conf, server.conf, files.conf, workflow.conf and tiles.conf.
        settings: The pod's settings.
        secrets: The login's secrets.
        hostname: The machine's name.
        connections: How many connections the door may hold.
        without: Names of services whose public port is taken.
        as_root: Whether nginx runs as root, which it does only where it can't change its user.
        ipv6: The public ports at which the door listens on IPv6 addresses, too.
    """
    services = [each for each in services_behind_door(settings) if each.name not in without]
    ports = {service.public_port(settings): service for service in services}
    origins = [(port, origin) for port in ports for origin in dict.fromkeys(own_origins(settings, port))]
    names = dict.fromkeys(name for port in ports for name in own_names(settings, port, hostname))
    workflows = any(service.name == "status" for service in services)
    operations = "|".join(WORKFLOW_OPERATIONS)
    values = {
        # Where the status server has no door these addresses are ComfyUI's, which gets no secret.
        "WORKFLOW_ADDRESSES": f' "~^comfyui:/podkeeper/workflow/({operations})$" 1;' if workflows else "",
        "KEY_WITHOUT_LOGIN": secrets.key if settings.jupyter_auth == "none" else "",
        "SERVERS": "".join(_server(templates, service, settings, ipv6, workflows) for service in services).replace(
            "@POD@", pod_name(secrets.key)
        ),
        "CONNECTIONS": str(connections),
        "USER": "\nuser root root;" if as_root else "",
        "SERVICES": "".join(f" {port} {service.name};" for port, service in ports.items()),
        "AUTHS": "".join(f" {port} {getattr(settings, service.auth_setting)};" for port, service in ports.items()),
        "OWN_ORIGINS": "".join(f' "{port} {origin}" 1;' for port, origin in origins),
        "HOSTS": "".join(rf' "~*^{re.escape(name)}(:\d+)?$" 1;' for name in names),
        "COOKIE": secrets.cookie_name,
        "COOKIE_VALUE": secrets.cookie,
        "COOKIE_DIGEST": secrets.digest("cookie", secrets.cookie),
        "BEARER_DIGEST": secrets.digest("bearer", secrets.token),
        "QUERY_DIGESTS": "".join(
            f' "~^query:{shape(text)}$" {secrets.digest("query", text)};' for text in spellings(secrets.token)
        ),
        "TOKEN_NAME": TOKEN_NAME,
        "KEY": secrets.key,
        "PAGE_POLICY": PAGE_POLICY,
    }
    return filled(templates["nginx.conf"], values)


def services_behind_door(settings: Settings) -> list[Service]:
    """The enabled services that the door stands in front of."""
    return [service for service in SERVICES if service.enabled(settings) and service.behind_door(settings)]


def _server(
    templates: Mapping[str, str], service: Service, settings: Settings, ipv6: Collection[int], workflows: bool
) -> str:
    port = service.public_port(settings)
    proxied = service.name == "jupyter" and settings.jupyter_tiles == "proxy"
    more = {
        "comfyui": templates["files.conf"] + (_workflows(templates) if workflows else ""),
        "jupyter": _tiles(templates, settings) if proxied else "",
    }
    values = {
        "LOCATIONS": more.get(service.name, ""),
        "NAME": service.name,
        "TITLE": service.title,
        "PORT": str(port),
        "LISTEN_IPV6": f"\n        listen [::]:{port} ipv6only=on so_keepalive=on;" if port in ipv6 else "",
        "INTERNAL_PORT": str(service.port(settings)),
        "MAX_BODY": service.max_body,
        "IGNORED": "" if service.name == "comfyui" else " X-Accel-Redirect",
    }
    return filled(templates["server.conf"], values)


def _workflows(templates: Mapping[str, str]) -> str:
    return "".join(
        filled(templates["workflow.conf"], {"OPERATION": name, "MAX_BODY": most})
        for name, most in WORKFLOW_OPERATIONS.items()
    )


def _tiles(templates: Mapping[str, str], settings: Settings) -> str:
    behind = [service for service in services_behind_door(settings) if service.tile]
    return "".join(filled(templates["tiles.conf"], {"TILE": service.name}) for service in behind)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with each @NAME@ replaced by the value of NAME."""
    for name, text in values.items():
        template = template.replace(f"@{name}@", text)
    return template
