"""What a support bundle of a pod holds: every log, and no query of an address."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

from entrypoint import __version__
from entrypoint.settings.services import with_logs
from tests.support.pod import environ_for, running

SIGNATURE = "c0ffee0123456789"


def test_the_bundle_has_every_log_the_version_and_no_query_string(tmp_path: Path) -> None:
    environ = environ_for(tmp_path) | {
        "COMFYUI_ENABLED": "true",
        "MODELS_MANIFEST": f"https://models.example/m.toml?X-Amz-Signature={SIGNATURE}",
    }
    path = tmp_path / "support.tar.gz"
    with running(tmp_path / "pod", environ, command=("true",)) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("Logs ")
        written = {log.name for log in (pod.home / "log").iterdir()}
        pod.podkeeper("doctor", "--bundle", str(path))
    with tarfile.open(path) as archive:
        names = {name.removeprefix("podkeeper-support/") for name in archive.getnames()}
        version = archive.extractfile("podkeeper-support/version.txt")
        assert version
        assert __version__ in version.read().decode()
    assert {"gateway.log", "command.log"} <= written
    assert {f"log/{name}" for name in written} <= names
    assert written <= {program.log_file for program in with_logs()}
    assert SIGNATURE.encode() not in gzip.decompress(path.read_bytes())
