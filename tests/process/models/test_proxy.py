"""Downloads go through the environment's proxy as curl's do; nothing on the loopback ever does."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from entrypoint.models.errors import ConnectionBroken, DownloadError
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.environment import certificates, proxy_of
from entrypoint.models.transport.limits import Limits
from tests.support.models.origin import Origin
from tests.support.nginx import running_nginx
from tests.support.ports import free_port

PROXY = "http://user:pw@10.0.0.1:3128"


@pytest.fixture
def proxy() -> Iterator[Origin]:
    """An HTTP proxy that answers every request itself, and notes it."""

    async def answer(origin: Origin, request: web.Request, before: int) -> web.StreamResponse:
        origin.files[f"{request.method} {request.raw_path}"] = b""
        return web.Response(text="from the proxy")

    with Origin(hub_fault=answer) as origin:
        yield origin


def get(url: str) -> str:
    async def run() -> str:
        async with HttpClient(Limits(connect_timeout=5, stall_timeout=5)) as client, client.get(url) as response:
            return (await response.read(100)).decode()

    return asyncio.run(run())


def test_a_download_goes_through_the_proxy_and_the_loopback_never_does(
    proxy: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.hub_url)
    monkeypatch.setenv("https_proxy", proxy.hub_url)
    assert get("http://models.invalid/x") == "from the proxy"
    assert list(proxy.files) == ["GET http://models.invalid/x"]
    for url in (f"http://localhost:{free_port()}/x", f"http://127.0.0.1:{free_port()}/x"):
        with pytest.raises((ConnectionBroken, DownloadError)):
            get(url)
    with pytest.raises(ConnectionBroken):  # it is asked for a tunnel, which is no response of the origin
        get("https://models.invalid/x")
    monkeypatch.setenv("no_proxy", ".invalid")
    with pytest.raises(ConnectionBroken):
        get("http://models.invalid/x")
    assert [hit.method for hit in proxy.hits] == ["GET"]


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "10.0.0.7", "[fd00::1]"])
def test_a_proxy_is_asked_for_no_private_address(proxy: Origin, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("http_proxy", proxy.hub_url)
    with pytest.raises(DownloadError, match="PrivateAddress"):
        get(f"http://{host}/x")
    assert proxy.requests("hub") == []


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("http://a.com/x", {"http_proxy": PROXY}, PROXY),
        ("http://a.com/x", {"HTTP_PROXY": PROXY}, ""),
        ("http://a.com/x", {"https_proxy": PROXY}, ""),
        ("https://a.com/x", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://a.com/x", {"ALL_PROXY": PROXY}, PROXY),
        ("https://a.com/x", {"https_proxy": PROXY, "no_proxy": "b.com,a.com"}, ""),
        ("https://x.a.com/x", {"https_proxy": PROXY, "NO_PROXY": ".a.com"}, ""),
        ("https://xa.com/x", {"https_proxy": PROXY, "no_proxy": "a.com"}, PROXY),
        ("https://a.com/x", {"https_proxy": PROXY, "no_proxy": "*"}, ""),
        ("http://10.1.2.3/x", {"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, ""),
        ("http://11.1.2.3/x", {"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, PROXY),
        ("http://localhost:1/x", {"http_proxy": PROXY}, ""),
        ("http://127.8.0.1:1/x", {"all_proxy": PROXY}, ""),
        ("http://[::1]:1/x", {"http_proxy": PROXY}, ""),
    ],
)
def test_which_proxy_an_address_has(url: str, environ: dict[str, str], expected: str) -> None:
    assert proxy_of(url, environ) == expected


@pytest.mark.parametrize("variable", ["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_each_variable_of_certificates_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    port = free_port()
    (tmp_path / "m.bin").write_text("trusted")
    site = f"server {{ listen 127.0.0.1:{port} ssl; root {tmp_path}; }}"
    with running_nginx(tmp_path / "site", port, site) as certificate:
        url = f"https://127.0.0.1:{port}/m.bin"
        for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(DownloadError, match="PrivateAddress"):
            get(url)
        monkeypatch.setattr("entrypoint.models.transport.private_networks.may_connect", lambda *_, **__: True)
        with pytest.raises(ConnectionBroken, match="certificate"):
            get(url)
        value = certificate
        if variable == "SSL_CERT_DIR":
            value = tmp_path / "trusted"
            value.mkdir()
            command = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)]
            digest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            os.symlink(certificate, value / f"{digest}.0")
        monkeypatch.setenv(variable, str(value))
        assert get(url) == "trusted"


def test_a_variable_that_names_no_file_is_not_used() -> None:
    assert certificates({"SSL_CERT_FILE": "", "SSL_CERT_DIR": "/a:/b"}) == ([], ["/a", "/b"])
