"""COMFYUI_SECRETS and TERMINAL_SECRETS in a real pod: every process's environment, read as root from /proc."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from entrypoint.system.loopback_http import send
from tests.support.checkout import FAKE_COMFYUI
from tests.support.file_systems import folder_for_others, needs_root
from tests.support.jupyter_changes import type_into_terminal
from tests.support.pod import TOKEN, Pod, fake_python, running
from tests.support.waiting import wait_until

#: Variable -> the programs whose processes have it.
WHERE = {
    "HF_TOKEN": {"comfyui", "terminal"},
    "COMFY_ORG_API_KEY": {"comfyui"},
    "WANDB_API_KEY": {"terminal"},
    "FROM_A_FILE_KEY": {"comfyui"},
    "AWS_SECRET_ACCESS_KEY": set(),
    "BUCKET_ENDPOINT_URL": set(),
    "MY_PASSWORD": set(),
    "CIVITAI_TOKEN": set(),
    "RUNPOD_API_KEY": set(),
    "PLAIN": {"comfyui", "terminal", "everything"},
}
NAMED = {
    "COMFYUI_SECRETS": "HF_TOKEN,COMFY_ORG_API_KEY, FROM_A_FILE_KEY,RUNPOD_API_KEY,JUPYTER_TOKEN,MISSING_TOKEN",
    "TERMINAL_SECRETS": "HF_TOKEN WANDB_API_KEY",
}


def value(name: str) -> str:
    return f"value-of-{name.lower()}"


@pytest.fixture(scope="module", params=["", "12345:12345"], ids=["own user", "RUN_AS"])
def pod(request: pytest.FixtureRequest, python: str) -> Iterator[Pod]:
    if request.param and os.geteuid():
        pytest.skip("RUN_AS needs root")
    with folder_for_others() as folder:
        shutil.copytree(FAKE_COMFYUI, folder / "comfyui")
        (folder / "secret").write_text(value("FROM_A_FILE_KEY") + "\n")
        environ = {name: value(name) for name in WHERE if name != "FROM_A_FILE_KEY"} | NAMED
        environ |= {"FROM_A_FILE_KEY_FILE": str(folder / "secret"), "RUN_AS": request.param, "COMFYUI_ENABLED": "true"}
        environ |= {"COMFYUI_DIR": str(folder / "comfyui"), "COMFYUI_PYTHON": str(torch_python(folder, python))}
        with running(folder / "pod", environ, python=python) as started:
            started.wait_for_jupyter()
            wait_until(
                lambda: send("GET", int(started.environ["COMFYUI_INTERNAL_PORT"]), "/system_stats", 2).status == 200,
                60,
                f"ComfyUI responds: {started.log('comfyui.log')}",
            )
            yield started


def torch_python(folder: Path, python: str) -> Path:
    """`fake_python` by an interpreter that another user can run."""
    fake = fake_python(folder)
    fake.write_text(fake.read_text().replace(sys.executable, python))
    return fake


def environ_of(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/environ").read_text()
    return dict(pair.partition("=")[::2] for pair in text.split("\0") if pair)


def comfyui(pod: Pod) -> psutil.Process:
    (found,) = [each for each in pod.family() if any(word.endswith("/main.py") for word in words(each))]
    return found


def words(process: psutil.Process) -> list[str]:
    """The command line; [] of a process that has ended."""
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []


@needs_root
def test_comfyui_has_what_it_is_given_and_nothing_else(pod: Pod) -> None:
    environ = environ_of(comfyui(pod).pid)
    assert {name for name in WHERE if environ.get(name) == value(name)} == {
        name for name, where in WHERE.items() if "comfyui" in where
    }


def test_a_terminal_has_what_terminals_are_given_and_nothing_else(pod: Pod) -> None:
    names = " ".join(WHERE)
    shown = type_into_terminal(
        pod.jupyter_port, TOKEN, f'for n in {names}; do echo "<$n=${{!n}}>"; done; echo over-$((1+1))'
    )
    for name, where in WHERE.items():
        assert f"<{name}={value(name) if 'terminal' in where else ''}>" in shown.replace("\r\n", ""), name


@needs_root
def test_no_other_process_has_a_secret_in_environment_or_arguments(pod: Pod) -> None:
    ours = comfyui(pod).pid
    jupyter = {each.pid for each in pod.family() if "entrypoint.jupyter" in words(each)}
    below = {child.pid for pid in jupyter for child in psutil.Process(pid).children(recursive=True)}
    seen = 0
    for member in pod.family():
        with contextlib.suppress(psutil.Error, FileNotFoundError, ProcessLookupError):
            texts = (*environ_of(member.pid).values(), *member.cmdline())
            found = {name for name in WHERE if any(value(name) in text for text in texts)}
            if member.pid not in {ours, *below}:
                assert found <= {"PLAIN"}, member
                seen += 1
    assert seen > 5


@needs_root
def test_the_files_are_roots_alone(pod: Pod) -> None:
    folder = pod.home / "run/secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {
        "HF_TOKEN", "COMFY_ORG_API_KEY", "WANDB_API_KEY", "FROM_A_FILE_KEY", "CIVITAI_TOKEN",
    }  # fmt: skip
    for path in folder.iterdir():
        assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o600, 0)


def test_a_name_that_cannot_be_used_is_reported(pod: Pod) -> None:
    reason = json.loads((pod.home / "run/conditions/SettingIgnored.json").read_text())["reason"]
    for name in ("RUNPOD_API_KEY", "JUPYTER_TOKEN", "MISSING_TOKEN"):
        assert f"cannot use {name} in COMFYUI_SECRETS" in reason
    assert "value-of" not in reason


def test_what_is_named_is_redacted_in_logs(pod: Pod) -> None:
    """JupyterLab's log: a request whose path is the secret."""
    send("GET", pod.jupyter_port, f"/api/contents/{value('WANDB_API_KEY')}", 10, {"Authorization": f"token {TOKEN}"})
    wait_until(lambda: "/api/contents/" in pod.log("jupyter.log"), 20, "JupyterLab logs the request")
    assert value("WANDB_API_KEY") not in pod.log("jupyter.log")


def test_a_strict_start_refuses_such_a_name(tmp_path: Path) -> None:
    environ = {"PODKEEPER_STRICT": "true", "TERMINAL_SECRETS": "JUPYTER_TOKEN"}
    with running(tmp_path / "pod", environ) as pod:
        assert pod.process.wait(30) == 78
        assert "podkeeper: cannot use JUPYTER_TOKEN in TERMINAL_SECRETS: it is the login of this pod" in pod.text


def test_a_secret_of_any_bytes_does_not_end_the_start(tmp_path: Path) -> None:
    environ = {"TERMINAL_SECRETS": "ODD_KEY", "ODD_KEY": os.fsdecode(b"odd\xff\ntwo lines"), "PUBLIC_KEY": "\udcff"}
    with running(tmp_path / "pod", environ) as pod:
        pod.wait_for_jupyter()
        shown = type_into_terminal(pod.jupyter_port, TOKEN, 'printf %s "$ODD_KEY" | od -An -tx1')
        assert "6f 64 64 ff 0a 74 77 6f" in shown
