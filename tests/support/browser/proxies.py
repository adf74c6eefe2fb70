"""nginx as RunPod's proxy: TLS, WebSockets, 100 s, 100 MB, and two hostile neighbours on the same port.

Not the same as the real thing: nginx counts the 100 s between two reads, Cloudflare over the whole exchange.
"""

import base64
import contextlib
import dataclasses
import hashlib
import pathlib
import subprocess
from collections.abc import Iterator

from tests.support.nginx import make_certificate, running_nginx
from tests.support.ports import free_port

DOMAIN = "proxy.runpod.net"
POD_ID = "abc123"
SIBLING_ID = "zzz999"  # another customer's pod: same site, so SameSite does not help
FOREIGN = "https://evil.example"
REWRITTEN_HOST = "100.65.12.34:60123"  # the shape seen in ComfyUI issue 4865

HTTP = """
    types {{ text/html html; text/javascript js; }}
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    {servers}
    server {{
        listen 127.0.0.1:{port} ssl; server_name {neighbours};
        root {pages};
        location / {{ try_files $uri /attack.html; }}
    }}
"""
SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl; server_name {pod_name};
        client_max_body_size {body_limit};
        location / {{
            proxy_pass http://127.0.0.1:{pod_port}; proxy_http_version 1.1;
            proxy_connect_timeout 100s; proxy_send_timeout 100s; proxy_read_timeout 100s;
            proxy_set_header Host {host};
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Real-IP 203.0.113.7;
            proxy_set_header X-Forwarded-For 203.0.113.7; proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host {pod_name};
        }}
    }}
"""


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A running proxy: its TLS port, the pin of its certificate for Chromium, and the origins behind it."""

    port: int
    certificate_pin: str
    pod: str
    sibling: str

    def at(self, pod_port: int) -> str:
        """The origin of another port of the pod."""
        return public_origin(POD_ID, pod_port)

    @property
    def chromium_arguments(self) -> list[str]:
        """What makes Chromium find the proxy under its public names and trust its certificate."""
        names = [f"*.{DOMAIN}", host_of(FOREIGN)]
        rules = ", ".join(f"MAP {name}:443 127.0.0.1:{self.port}" for name in names)
        return [
            f"--host-resolver-rules={rules}",
            f"--ignore-certificate-errors-spki-list={self.certificate_pin}",
        ]


def public_origin(pod_id: str, port: int) -> str:
    """RunPod's address of a port of a pod."""
    return f"https://{pod_id}-{port}.{DOMAIN}"


def host_of(origin: str) -> str:
    """'https://a.b' -> 'a.b'."""
    return origin.removeprefix("https://")


@contextlib.contextmanager
def running_proxy(
    home: pathlib.Path,
    pod_port: int,
    keep_host: bool,
    pages: pathlib.Path,
    body_limit: str = "100m",
    others: tuple[int, ...] = (),
) -> Iterator[Proxy]:
    """nginx with everything it writes under `home`, serving `pages` as both neighbours' sites.

    `pod_port`: the port whose origin is `Proxy.pod`; `others`: more ports of the pod.
    """
    home.mkdir()
    make_certificate(home, f"DNS:*.{DOMAIN}", f"DNS:{host_of(FOREIGN)}")
    port = free_port()
    proxy = Proxy(port, _pin(home), public_origin(POD_ID, pod_port), public_origin(SIBLING_ID, pod_port))
    servers = "".join(
        SERVER.format(
            port=port,
            pod_port=each,
            body_limit=body_limit,
            pod_name=host_of(proxy.at(each)),
            host="$host" if keep_host else REWRITTEN_HOST,
        )
        for each in (pod_port, *others)
    )
    neighbours = f"{host_of(proxy.sibling)} {host_of(FOREIGN)}"
    http = HTTP.format(port=port, pages=pages, servers=servers, neighbours=neighbours)
    with running_nginx(home, port, http):
        yield proxy


def _pin(home: pathlib.Path) -> str:
    """base64(sha256(public key)) of the certificate, as Chromium wants it."""
    shown = ["openssl", "x509", "-in", str(home / "cert.pem"), "-noout", "-pubkey"]
    pem = subprocess.run(shown, check=True, capture_output=True, text=True).stdout
    public_key = base64.b64decode("".join(pem.splitlines()[1:-1]))
    return base64.b64encode(hashlib.sha256(public_key).digest()).decode()
