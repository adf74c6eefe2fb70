"""nginx of a test's or bench's own: everything it writes is below one folder, and it ends with its block."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import wait_until

_CONFIG = """daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    ssl_certificate {home}/cert.pem; ssl_certificate_key {home}/key.pem;
    {http}
}}
"""


def find_program(command: str) -> str:
    """Its path, or "". Also in /usr/sbin, where Debian puts nginx and which is not on every user's PATH."""
    return shutil.which(command, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin") or ""


@contextlib.contextmanager
def running_nginx(home: Path, port: int, http: str) -> Iterator[Path]:
    """One process with `http` in its block of that name, listening on `port`; yields its certificate's path.

    Args:
        home: Where it writes; made if it isn't there. `make_certificate` before this for other names.
    """
    home.mkdir(exist_ok=True)
    certificate = home / "cert.pem"
    if not certificate.exists():
        make_certificate(home, "IP:127.0.0.1")
    (home / "nginx.conf").write_text(_CONFIG.format(home=home, http=http))
    process = subprocess.Popen(
        [find_program("nginx"), "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log"],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _answers(process, port), 15, f"nginx listens; see {home}/error.log")
        yield certificate
    finally:
        process.terminate()
        process.wait(15)


def make_certificate(home: Path, *names: str) -> None:
    """key.pem and cert.pem, self-signed, for names like DNS:*.example or IP:127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=tests", "-addext", f"subjectAltName={','.join(names)}",
         "-keyout", home / "key.pem", "-out", home / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "nginx ended at once"
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
