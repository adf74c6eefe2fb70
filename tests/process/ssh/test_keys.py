"""PUBLIC_KEY's lines and the kept host keys, with the real ssh-keygen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from entrypoint.ssh import keys
from entrypoint.ssh.keys import KEYGEN, authorized_keys, host_keys
from tests.support.leftovers import LEFTOVERS
from tests.support.ssh import new_key

pytestmark = pytest.mark.skipif(not os.path.exists(KEYGEN), reason="openssh-client is not installed")


def paths_in(folder: Path) -> Paths:
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python="/python")
    paths = locate(Settings(home=str(folder)), facts)
    Path(paths.runtime, "sshd").mkdir(parents=True, mode=0o700)
    return paths


def made(paths: Paths) -> tuple[list[str], list[str]]:
    """The contents of the host keys, and the names of the conditions."""
    files, conditions = host_keys(paths, f"{paths.runtime}/sshd", shared=False)
    return [Path(file).read_text() for file in files], [condition.name for condition in conditions]


@pytest.mark.parametrize("leftover", LEFTOVERS.values(), ids=list(LEFTOVERS))
def test_whatever_is_in_a_host_keys_place_sshd_gets_its_keys(
    tmp_path: Path, leftover: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_KINDS", ("ed25519", "ecdsa"))  # an RSA key takes a second
    paths = paths_in(tmp_path / "pod")
    first, _ = made(paths)
    assert len(first) == 2
    runtime, kept = Path(paths.runtime, "sshd"), Path(paths.kept_secrets)
    (runtime / "ssh_host_ed25519_key").unlink()
    leftover(runtime / "ssh_host_ed25519_key")
    assert made(paths) == (first, [])  # from the volume
    for folder in (runtime, kept):
        (folder / "ssh_host_ed25519_key").unlink()
    leftover(kept / "ssh_host_ed25519_key")
    second, conditions = made(paths)
    assert conditions == []
    assert (second[0] != first[0], second[1]) == (True, first[1])
    assert (kept / "ssh_host_ed25519_key").read_text() == second[0]


def test_each_line_is_a_key_of_its_own(tmp_path: Path) -> None:
    lines = [new_key(tmp_path, name).with_suffix(".pub").read_text().strip() for name in ("a", "b", "c")]
    with_option = f'from="10.0.0.0/8",no-pty {lines[2]}'
    for text in (
        "\n".join([*lines, with_option]),
        "\r\n".join([*lines, with_option]),
        "\\n".join([*lines, with_option]),
    ):
        assert authorized_keys(text) == ([*lines, with_option], {})
    assert authorized_keys("") == ([], {})
    assert authorized_keys(f'"{lines[0]}"\n\n# {lines[1]}\n') == ([lines[0]], {})


@pytest.mark.parametrize(
    "line", ["x", "ssh-ed25519", "ssh-ed25519 AAAA", "{{ RUNPOD_SECRET_key }}", "ssh-rsa \u00fc\u00fc", "\x1b[2J",
             "/etc/passwd",
             "-", "SHA256:abcdef me@home (ED25519)", "A" * 9000, "\udcff"]
)  # fmt: skip
def test_a_line_that_is_no_key_is_left_out_and_not_repeated(tmp_path: Path, line: str) -> None:
    key = new_key(tmp_path).with_suffix(".pub").read_text().strip()
    good, bad = authorized_keys(f"{line}\n{key}")
    assert good == [key]
    assert bad == {1: "it is not a public key"}


def test_a_private_key_is_never_repeated(tmp_path: Path) -> None:
    private, public = new_key(tmp_path).read_text(), new_key(tmp_path, "other").with_suffix(".pub").read_text().strip()
    good, bad = authorized_keys(f"{public}\n{private}")
    assert good == [public]
    assert list(bad) == [2]
    assert "make a new pair" in bad[2]
