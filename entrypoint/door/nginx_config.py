"""P: settings and the login's secrets -> the text of the gateway's nginx.conf.

The template beside this module is the configuration; every value inserted into it is a number, hexadecimal,
base64url or an origin that the settings' parser has validated, so none needs escaping.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote

from entrypoint.door.origins import own_origins
from entrypoint.settings.settings import Settings

#: Content-Security-Policy of the gateway's two pages: they fetch from the pod, and no page may frame them.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of the login.

    Attributes:
        token: The pod's token.
        cookie_secret: Secret kept on the volume: with the same token, logins survive a restart.
        key: Random key of this start of the gateway, hexadecimal; both sides of a comparison are hashed with it.
    """

    token: str
    cookie_secret: str
    key: str

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self.cookie_secret.encode(), f"{purpose}\0{self.token}".encode(), "sha256")

    @property
    def cookie(self) -> str:
        """The login cookie's value, 43 characters: not the token, and invalid once the token changes."""
        return _base64url(self._derived("comfyui cookie"))

    @property
    def cookie_tag(self) -> str:
        """Part of the cookie's name, so that a cookie of another token, or of another pod behind the same
        `localhost`, counts as missing and not as wrong."""
        return self._derived("comfyui cookie's name").hex()[:8]

    def digest(self, kind: str, text: str) -> str:
        """The keyed digest of a credential, as nginx computes it (ngx_http_secure_link_module)."""
        md5 = hashlib.md5(f"{self.key}{kind}:{text}".encode(), usedforsecurity=False).digest()
        return _base64url(md5)


def config_text(template: str, settings: Settings, secrets: Secrets) -> str:
    """The whole file: the template with the settings and digests filled in."""
    own = dict.fromkeys(own_origins(settings, settings.comfyui_port))
    values = {
        "COMFYUI_PORT": str(settings.comfyui_port),
        "COMFYUI_INTERNAL_PORT": str(settings.comfyui_internal_port),
        "AUTH": settings.comfyui_auth,
        "OWN_ORIGINS": "".join(f' "{origin}" 1;' for origin in own),
        "COOKIE": f"podkeeper-comfyui-{settings.comfyui_port}-{secrets.cookie_tag}",
        "COOKIE_VALUE": secrets.cookie,
        "COOKIE_DIGEST": secrets.digest("cookie", secrets.cookie),
        "BEARER_DIGEST": secrets.digest("bearer", secrets.token),
        "QUERY_DIGEST": secrets.digest("query", quote(secrets.token, safe="")),
        "KEY": secrets.key,
        "PAGE_POLICY": PAGE_POLICY,
    }
    for name, text in values.items():
        template = template.replace(f"@{name}@", text)
    return template


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
