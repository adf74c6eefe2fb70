"""`podkeeper workflow plan` and `fetch` against a hub: what is installed, what is refused, and nothing elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoint.settings.settings import Settings
from entrypoint.workflows import commands, online
from entrypoint.workflows.fetch import fetch
from entrypoint.workflows.needed import Model
from entrypoint.workflows.plan import MISSING, ModelState, Plan, Room
from tests.support.models.fetcher import hub_file
from tests.support.models.origin import Origin
from tests.support.models.pod import MIB, Pod, started_processes
from tests.support.waiting import wait_until
from tests.support.workflows.containers import mp4, png
from tests.support.workflows.pod import safetensors, without_services, workflow
from tests.support.workflows.shapes import SHA256, entry

HUB = "https://huggingface.co/o/r/resolve/main"


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        started.put("u.safetensors", safetensors())
        started.put("v.safetensors", safetensors(17))
        yield started


@pytest.fixture
def pod(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    monkeypatch.setattr(online, "SECONDS", 0)  # test_candidates.py asks the sites
    mask = os.umask(0o022)  # fetch sets the volume's
    made = Pod(tmp_path, origin)
    Path(made.paths.data, "models.toml").unlink()
    yield made
    os.umask(mask)


def write(pod: Pod, content: Any, name: str = "w.json") -> str:
    """The workflow's file, beside a ComfyUI that does not run."""
    pod.settings = without_services(pod)
    path = pod.root / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def plan(pod: Pod, path: str) -> int:
    return commands.plan(pod.settings, pod.paths, path, as_json_text=False)


def run_fetch(pod: Pod, path: str) -> int:
    return commands.fetch(pod.settings, pod.paths, path, nodes=False)


def test_planned_fetched_and_complete(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    """The manifest has the files then, and a second plan and fetch ask for nothing."""
    path = write(pod, workflow(entry("diffusion_models", "u.safetensors"), entry("vae", "v.safetensors")))
    assert plan(pod, path) == 1
    assert "models: 0 of 2 installed" in capsys.readouterr().out
    assert not Path(pod.paths.data, "models").exists()
    assert run_fetch(pod, path) == 0
    for name in ("diffusion_models/u.safetensors", "vae/v.safetensors"):
        assert Path(pod.paths.data, "models", name).read_bytes() == origin.files[name.rpartition("/")[2]]
    manifest = Path(pod.paths.data, "models.toml").read_text()
    assert 'bundle = "WORKFLOWS"' in manifest
    assert 'dest = "vae/v.safetensors"' in manifest
    asked = len(origin.hits)
    assert (plan(pod, path), run_fetch(pod, path), len(origin.hits)) == (0, 0, asked)
    assert pod.run("fetch", "WORKFLOWS")[0] == 0  # the receipts are the manifest's


def test_a_file_that_the_manifest_has_already_stays_there_once(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    pod.manifest("# mine\nschema = 1\n[bundles.B]\n", "v.safetensors")
    manifest = Path(pod.paths.data, "models.toml")
    before = manifest.read_text()
    assert run_fetch(pod, write(pod, workflow(entry("loras", "v.safetensors")))) == 0
    assert "1 files are installed, and in" in capsys.readouterr().out
    assert manifest.read_text() == before


def test_another_file_of_the_same_name_is_set_aside(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its receipt says that it has another hash than the workflow wants."""
    assert run_fetch(pod, write(pod, workflow(entry("vae", "v.safetensors")))) == 0
    digest = origin.put("new.safetensors", safetensors(18))
    address = f"{HUB}/new.safetensors"
    path = write(pod, workflow(entry("vae", "v.safetensors", url=address, hash=digest)))
    assert plan(pod, path) == 1
    assert "`fetch` keeps it as v.safetensors.set-aside" in capsys.readouterr().out
    assert run_fetch(pod, path) == 0
    folder = Path(pod.paths.data, "models/vae")
    assert (folder / "v.safetensors").read_bytes() == safetensors(18)
    assert (folder / "v.safetensors.set-aside").read_bytes() == safetensors(17)


@pytest.mark.parametrize("make", [png, mp4])
def test_a_picture_and_a_video_are_read(pod: Pod, capsys: pytest.CaptureFixture[str], make: Any) -> None:
    content = make(workflow=json.dumps(workflow(entry("vae", "v.safetensors"))))
    path = write(pod, content, "picture")
    assert commands.plan(pod.settings, pod.paths, path, as_json_text=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["state"], each["bytes"]) for each in found["models"]] == [
        ("v.safetensors", "missing", len(safetensors(17)))
    ]


def test_a_workflow_at_an_address_is_read(pod: Pod, origin: Origin) -> None:
    write(pod, b"")
    origin.put("w.json", json.dumps(workflow(entry("vae", "v.safetensors"))).encode())
    assert plan(pod, f"{origin.hub_url}/o/r/blob/main/w.json") == 1


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"no", 65, "is no workflow: it is not JSON"),
        (b"\xff\xd8\xff\xe0" + bytes(20), 65, "is no workflow: it is JPEG"),
        (png(title="x"), 65, "is no workflow: this PNG has no workflow in it"),
        (b"[]", 65, "is no workflow: its JSON is a list"),
        (None, 66, "cannot read"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_workflow(
    pod: Pod, capsys: pytest.CaptureFixture[str], content: bytes | None, code: int, words: str
) -> None:
    path = write(pod, content or b"")
    if content is None:
        os.unlink(path)
        os.mkfifo(path)
    assert plan(pod, path) == code
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry("vae", "../../../outside.safetensors")], "its name must be a path below the models folder"),
        ([entry("../../custom_nodes", "v.safetensors")], "its folder '../../custom_nodes' must be a path"),
        ([entry("vae", "/tmp/outside.safetensors")], "its name must be a path below the models folder"),
        ([entry("vae", "v.safetensors", hash=SHA256)], "HashDiffers: its source says sha256"),
        ([entry("vae", "missing.safetensors")], "HTTP 404"),
        ([entry("vae", "v.safetensors", url="file:///etc/passwd")], "cannot use its address: it must begin with"),
        ([entry("vae", "v.safetensors", url="https://h/x.zip")], "leads to an archive"),
        ([entry("vae", "v.safetensors", url="http://169.254.169.254/x.safetensors")], "PrivateAddress: "),
        ([entry("vae", "v.safetensors", url="http://[::1]:1/x.safetensors")], "PrivateAddress: "),
        ([{"name": "v.safetensors"}], "the workflow has no address of it"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_bad_model_is_refused_by_name_and_the_good_one_arrives(
    pod: Pod, capsys: pytest.CaptureFixture[str], entries: list[dict[str, Any]], words: str
) -> None:
    path = write(pod, workflow(*entries, entry("diffusion_models", "u.safetensors")))
    before = files_below(pod.root)
    assert plan(pod, path) == 2
    assert words in capsys.readouterr().out
    assert run_fetch(pod, path) == 2
    models = files_below(Path(pod.paths.data, "models"))
    assert models == {"diffusion_models/u.safetensors"}
    elsewhere = {name for name in files_below(pod.root) - before if ".podkeeper" not in name}
    assert elsewhere == {"comfyui/models/diffusion_models/u.safetensors", "comfyui/models.toml"}
    assert Path(pod.paths.data, "models.toml").read_text().count("[[files]]") == 1


def test_an_address_of_the_pods_own_networks_is_never_asked(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """A workflow is no manifest: that it names a host there does not allow it."""
    path = write(pod, workflow(entry("vae", "v.safetensors", url=f"{origin.hub_url}/plain/v.safetensors")))
    pod.settings = Settings(home=pod.settings.home, comfyui_dir=pod.settings.comfyui_dir)  # the hub is not the origin
    assert plan(pod, path) == 2
    assert "PrivateAddress: 127.0.0.1 is at 127.0.0.1" in capsys.readouterr().out
    assert run_fetch(pod, path) == 2
    assert origin.hits == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04" + bytes(300), "no safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "large file storage"),
    ],
)
def test_other_content_than_a_model_is_not_installed(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    """Its size is right, and so is its hash."""
    origin.put("v.safetensors", content)
    origin.linked = False
    path = write(pod, workflow(entry("vae", "v.safetensors")))
    assert run_fetch(pod, path) == 1
    assert words in capsys.readouterr().out
    assert files_below(Path(pod.paths.data, "models")) == set()
    assert not Path(pod.paths.data, "models.toml").exists()


def test_a_wrong_hash_that_the_source_does_not_state_is_found_after_the_download(
    pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    origin.linked = False
    path = write(pod, workflow(entry("vae", "v.safetensors", hash=SHA256, hash_type="SHA256")))
    assert plan(pod, path) == 1
    assert run_fetch(pod, path) != 0
    assert "sha256" in capsys.readouterr().out
    assert files_below(Path(pod.paths.data, "models")) == set()


@pytest.mark.parametrize("place", ["models/vae", "models/elsewhere", "further"])
def test_a_file_that_is_installed_elsewhere_counts(pod: Pod, origin: Origin, place: str) -> None:
    """By another folder of ComfyUI's or of extra_model_paths.yaml; a former name of the folder counts, too."""
    path = write(pod, workflow(entry("clip", "v.safetensors")))
    Path(pod.paths.data, "extra_model_paths.yaml").write_text("mine:\n  text_encoders: further\n  vae: other\n")
    folder = Path(pod.paths.data, place.replace("models/vae", "models/clip"))
    folder.mkdir(parents=True)
    (folder / "v.safetensors").write_bytes(b"x")
    assert plan(pod, path) == (1 if place == "models/elsewhere" else 0)


@pytest.mark.parametrize("words", [[], ["plan"], ["fetch", "--json", "x"], ["nothing", "x"]])
def test_a_usage_error_is_64(words: list[str]) -> None:
    command = [sys.executable, "-I", "-m", "entrypoint.commands.workflow", *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (64, 1), ended.stderr


def test_what_does_not_fit_is_not_begun(pod: Pod, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    state = ModelState(Model("v.pt", "vae"), MISSING, hub_file("v.pt"), size=10**12)
    assert asyncio.run(fetch(pod.settings, pod.paths, Plan([state], [], Room(10**9)), nodes=False)) == 3
    assert "the files need 1000.0 GB, and 1.0 GB are free" in capsys.readouterr().out
    assert origin.hits == []


def test_a_stopped_fetch_resumes(pod: Pod, origin: Origin) -> None:
    """SIGTERM in mid-download: 75, nothing half is in the models folder; the same command does not begin anew."""
    size = 12 * MIB
    origin.put("u.safetensors", safetensors(size))
    origin.delay = 0.01
    path = write(pod, workflow(entry("diffusion_models", "u.safetensors")))

    def start() -> subprocess.Popen[str]:
        kept = {"PATH": os.environ["PATH"]} | pod.settings.to_environ() | pod.paths.to_environ()
        command = [sys.executable, "-I", "-m", "entrypoint.commands.workflow", "fetch", path]
        process = subprocess.Popen(command, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started_processes.append(process)
        return process

    first = start()
    wait_until(lambda: origin.sent > 5 * MIB, 60, "a part is there")
    first.send_signal(signal.SIGTERM)
    text, _ = first.communicate(timeout=60)
    assert (first.returncode, "the same command resumes" in text) == (75, True), text
    assert files_below(Path(pod.paths.data, "models")) == set()
    origin.sent, origin.delay = 0, 0.0
    second = start()
    text, _ = second.communicate(timeout=60)
    assert second.returncode == 0, text
    assert origin.sent < size
    installed = Path(pod.paths.data, "models/diffusion_models/u.safetensors")
    assert installed.read_bytes() == origin.files["u.safetensors"]
