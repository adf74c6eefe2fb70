"""P: settings and the login's secrets -> the text of the gateway's nginx.conf.

The template beside this module is the configuration; every value put into it is a number, hexadecimal, base64url
or an origin that the settings' parser has narrowed, so none needs escaping.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote

from entrypoint.door.origins import own_origins
from entrypoint.settings.settings import Settings

#: Of our own two pages: they fetch from the pod, and nobody may frame them.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the login is made of.

    Attributes:
        token: The pod's token.
        cookie_secret: Kept on the volume: with the same token, logins survive a restart.
        key: Random at every start of the gateway, hexadecimal; both sides of a comparison are hashed under it.
    """

    token: str
    cookie_secret: str
    key: str

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self.cookie_secret.encode(), f"{purpose}\0{self.token}".encode(), "sha256")

    @property
    def cookie(self) -> str:
        """The login cookie's value, 43 characters: not the token, and worthless once the token changes."""
        return _base64url(self._derived("comfyui cookie"))

    @property
    def cookie_tag(self) -> str:
        """Part of the cookie's name, so that a cookie of another token, or of another pod behind the same
        `localhost`, is no wrong cookie but none."""
        return self._derived("comfyui cookie's name").hex()[:8]

    def sum_of(self, kind: str, text: str) -> str:
        """The keyed digest nginx's secure_link module makes of a credential (ngx_http_secure_link_module)."""
        digest = hashlib.md5(f"{self.key}{kind}:{text}".encode(), usedforsecurity=False).digest()
        return _base64url(digest)


def config_text(template: str, settings: Settings, secrets: Secrets) -> str:
    """The whole file."""
    own = dict.fromkeys(own_origins(settings, settings.comfyui_port))
    words = {
        "COMFYUI_PORT": str(settings.comfyui_port),
        "COMFYUI_INTERNAL_PORT": str(settings.comfyui_internal_port),
        "LOCK": settings.comfyui_auth,
        "OWN_ORIGINS": "".join(f' "{origin}" 1;' for origin in own),
        "COOKIE": f"podkeeper-comfyui-{settings.comfyui_port}-{secrets.cookie_tag}",
        "COOKIE_VALUE": secrets.cookie,
        "COOKIE_SUM": secrets.sum_of("cookie", secrets.cookie),
        "BEARER_SUM": secrets.sum_of("bearer", secrets.token),
        "QUERY_SUM": secrets.sum_of("query", quote(secrets.token, safe="")),
        "KEY": secrets.key,
        "PAGE_POLICY": PAGE_POLICY,
    }
    for word, text in words.items():
        template = template.replace(f"@{word}@", text)
    return template


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
