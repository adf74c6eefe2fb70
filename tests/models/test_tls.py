"""Over https: only from whom the machine's certificates vouch for."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.origin import Origin
from tests.models.test_one_shot import Pod
from tests.ports import free_port
from tests.waiting import wait_until

BYTES = random.Random(3).randbytes(5_000_001)
NGINX = """daemon off; user root; pid {root}/nginx.pid; error_log {root}/error.log; events {{}}
http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2; fastcgi_temp_path {root}/3;
  uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;
  server {{ listen 127.0.0.1:{port} ssl; root {root}/www;
    ssl_certificate {root}/c.pem; ssl_certificate_key {root}/k.pem; }} }}
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """(address of a file there, the certificate)."""
    root, port = tmp_path / "site", free_port()
    (root / "www").mkdir(parents=True)
    (root / "www/m.bin").write_bytes(BYTES)
    for path in (root, *list(root.parents)[:2]):
        path.chmod(0o755)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", root / "k.pem", "-out", root / "c.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (root / "nginx.conf").write_text(NGINX.format(root=root, port=port))
    nginx = subprocess.Popen(["nginx", "-c", root / "nginx.conf", "-e", root / "error.log"])
    try:
        wait_until(lambda: (root / "nginx.pid").exists(), 10, "nginx is up")
        yield f"https://127.0.0.1:{port}/m.bin", root / "c.pem"
    finally:
        nginx.terminate()
        nginx.wait(10)


def test_a_certificate_counts_only_where_somebody_vouches_for_it(
    tmp_path: Path, site: tuple[str, Path]
) -> None:
    url, certificate = site
    with Origin() as origin:
        pod = Pod(tmp_path / "pod", origin)
    pod.manifest(
        f'schema = 1\n[bundles.B]\n[[files]]\nbundle = "B"\nsource = "url"\nurl = "{url}"\ndest = "loras/m.bin"\n'
    )
    code, text = pod.run("plan")
    assert (code, "certificate" in text) == (75, True), text
    assert not pod.placed("m.bin").exists()
    code, text = pod.run("fetch", SSL_CERT_FILE=str(certificate))
    assert code == 0, text
    assert pod.placed("m.bin").read_bytes() == BYTES
