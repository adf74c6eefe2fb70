"""Over https: only from hosts whose certificate the machine trusts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.models.origin import Origin
from tests.support.models.pod import Pod
from tests.support.nginx import running_nginx
from tests.support.ports import free_port

BYTES = random.Random(3).randbytes(5_000_001)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """(address of a file there, the certificate)."""
    port = free_port()
    (tmp_path / "m.bin").write_bytes(BYTES)
    with running_nginx(
        tmp_path / "site", port, f"server {{ listen 127.0.0.1:{port} ssl; root {tmp_path}; }}"
    ) as certificate:
        yield f"https://127.0.0.1:{port}/m.bin", certificate


def test_a_certificate_must_be_trusted_by_the_machine(tmp_path: Path, site: tuple[str, Path]) -> None:
    url, certificate = site
    with Origin() as origin:
        pod = Pod(tmp_path / "pod", origin)
    pod.manifest(
        f'schema = 1\n[bundles.B]\n[[files]]\nbundle = "B"\nsource = "url"\nurl = "{url}"\ndest = "loras/m.bin"\n'
    )
    code, text = pod.run("plan")
    assert (code, "certificate" in text) == (75, True), text
    assert not pod.installed("m.bin").exists()
    code, text = pod.run("fetch", SSL_CERT_FILE=str(certificate))
    assert code == 0, text
    assert pod.installed("m.bin").read_bytes() == BYTES
