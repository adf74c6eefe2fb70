"""P: what the environment says about the network: the proxy of an address, and the certificates, as for curl."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_of(url: str, environ: Mapping[str, str]) -> str:
    """The proxy for an address, or "". Nothing on the loopback ever goes to a proxy.

    HTTP_PROXY in capital letters does not count: a CGI server takes it from a request's header `Proxy`.
    """
    parts = urlsplit(url)
    names = ["http_proxy"] if parts.scheme == "http" else ["https_proxy", "HTTPS_PROXY"]
    proxy = next((environ[name] for name in (*names, "all_proxy", "ALL_PROXY") if environ.get(name)), "")
    host = (parts.hostname or "").rstrip(".")
    without = environ.get("no_proxy") or environ.get("NO_PROXY", "")
    return "" if _is_loopback(host) or _is_listed(host, without) else proxy.strip()


def certificates(environ: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Paths of certificates that programs of this machine trust, the first that exists counts: (files, folders)."""
    files = [environ.get(name, "") for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    folders = [*environ.get("SSL_CERT_DIR", "").split(":"), *files]  # requests takes a folder, too
    return [each for each in files if each], [each for each in folders if each]


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or bool(address and address.is_loopback)


def _is_listed(host: str, without: str) -> bool:
    address = _address(host)
    for entry in without.replace(",", " ").split():
        if entry == "*":
            return True
        if address:
            try:
                if address in ipaddress.ip_network(entry.strip("[]"), strict=False):
                    return True
            except ValueError:
                continue
        else:
            domain = entry.lower().strip(".")
            if host == domain or host.endswith(f".{domain}"):
                return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
