"""The image's files against the code and against each other."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.comfyui.installation import IMAGE_FOLDER, IMAGE_PYTHON
from entrypoint.packages.base_parts import PARTS
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from scripts import image_facts
from tests.support.checkout import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_what_is_built_is_what_the_code_looks_for() -> None:
    assert f"/ {IMAGE_FOLDER}\n" in DOCKERFILE
    environment = IMAGE_PYTHON.removesuffix("/bin/python")
    assert (
        len(re.findall(rf"(?m)^    /opt/steps/install_comfyui {environment} /opt/wheels /opt/locks/", DOCKERFILE)) == 5
    )
    kernel = json.loads((ROOT / "image/kernel.json").read_text())["argv"][0]
    launcher = ROOT / kernel.removeprefix("/opt/podkeeper/app/")
    assert launcher.is_file()
    assert IMAGE_PYTHON in launcher.read_text()
    assert (ROOT / "entrypoint/packages/bin/python").is_file()


def test_the_ports_of_all_services_are_exposed_and_published() -> None:
    ports = {service.public_port(Settings()) for service in SERVICES} - {0}
    exposed = re.search(r"(?m)^EXPOSE (.*)$", DOCKERFILE)
    assert exposed
    assert {int(port) for port in exposed.group(1).split()} == ports
    published = re.findall(r'"127\.0\.0\.1:\$\{\w+:-(\d+)\}:\$\{\w+:-(\d+)\}"', (ROOT / "compose.yaml").read_text())
    assert {(int(outside), int(inside)) for outside, inside in published} == {(port, port) for port in ports}


def test_comfyuis_version_is_the_locks_everywhere() -> None:
    """image/comfyui.in decides: its packages fit that ComfyUI and no other."""
    locked = re.search(r"ComfyUI (v[\d.]+) ", (ROOT / "image/comfyui.in").read_text())
    cloned = re.search(r"(?m)^ARG COMFYUI_REF=(.*)$", DOCKERFILE)
    assert locked
    assert cloned
    assert cloned.group(1) == locked.group(1)
    assert Settings().comfyui_ref == locked.group(1)


@pytest.mark.parametrize(
    ("lock", "runtime"),
    [("comfyui.lock", r"nvidia-cuda-runtime-cu12==12\.8\."), ("comfyui-cu130.lock", r"nvidia-cuda-runtime==13\.0\.")],
)
def test_torch_is_locked_to_its_cuda(lock: str, runtime: str) -> None:
    """The index has several builds' worth of versions; the lock's own CUDA packages tell which this one is."""
    assert re.search(f"(?m)^{runtime}", (ROOT / "image" / lock).read_text())


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "image" / lock).read_text()))


def test_the_locks_differ_in_torch_and_cuda_alone() -> None:
    one, other = pins("comfyui.lock"), pins("comfyui-cu130.lock")
    differ = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    assert {name for name in differ if not re.match("nvidia-|cuda-|torch|triton|setuptools", name)} == set()
    assert one["torchsde"] == other["torchsde"]


@pytest.mark.parametrize("torch", ["cu128", "cu130", "cpu"])
def test_the_parts_of_a_lock_are_the_lock(torch: str, tmp_path: Path) -> None:
    script = ROOT / "image/split_lock"
    subprocess.run([sys.executable, script, torch, tmp_path / "parts"], check=True)
    parts = {path.stem: path.read_text() for path in (tmp_path / "parts").iterdir()}
    whole = (ROOT / "image" / ("comfyui-cu130.lock" if torch == "cu130" else "comfyui.lock")).read_text()
    assert parts.keys() == set(PARTS)
    assert "comfyui-frontend-package==" in parts["comfyui"]
    assert "torchsde==" in parts["packages"]
    assert "\nsetuptools==" in f"\n{parts['cuda-1']}"  # a later layer would replace the environment's own
    if torch == "cpu":
        assert "+cpu" in parts["torch"]
        assert "nvidia" not in "".join(parts.values())
        assert parts["packages"] in whole or all(line in whole for line in parts["packages"].splitlines())
        return
    assert "torch==" in parts["torch"]
    assert re.findall(r"(?m)^nvidia-(\w+)", parts["cuda-1"]) == ["cublas", "cudnn"]
    assert sorted("".join(parts.values()).splitlines()) == sorted(whole.splitlines())


def test_an_unknown_torch_ends_the_build(tmp_path: Path) -> None:
    ended = subprocess.run([ROOT / "image/split_lock", "cu118", tmp_path / "x"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, "split_lock: TORCH=cu118: must be one of cu128, cu130, cpu\n")


def test_the_image_facts_are_of_this_dockerfile() -> None:
    """Sizes and times are a build's to say; tests/container compares the sizes with one."""
    check = subprocess.run([sys.executable, ROOT / "scripts/image_facts.py", "--check"], capture_output=True, text=True)
    assert check.stdout == ""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("| The entrypoint |", "| The entry |", "its rows are not"),
        (" layers with something", " lagers with something", "the sentence about layers"),
        ("**Together** | **", "**Together** | **x", "the sum of what is ours"),
        (image_facts.BEGIN, "", "no block of image facts"),
    ],
)
def test_facts_that_were_not_written_by_the_script_are_seen(old: str, new: str, complaint: str) -> None:
    """Negative control."""
    text = image_facts.PAGE.read_text()
    assert old in text
    assert complaint in " ".join(image_facts.problems(text.replace(old, new), DOCKERFILE))


def test_a_layer_that_the_dockerfile_lost_and_one_that_grew_are_seen() -> None:
    """Negative control."""
    text = image_facts.PAGE.read_text()
    assert image_facts.problems(text, DOCKERFILE.replace("/environment", "/elsewhere"))
    grown = re.sub(r"(environment) \| \d+ \| yes", r"\1 | 900 | yes", text)
    assert "more than 400" in " ".join(image_facts.problems(grown, DOCKERFILE))


def test_a_history_becomes_rows() -> None:
    history = [("", 129), ("RUN apt-get install x", 80), ("COPY /environment /", 205), ("RUN chmod", 2)]
    rows = {what: (size, ours) for what, size, ours in image_facts.rows(history, base=1) if size}
    assert rows == {
        "The base image": (129, False),
        "System packages: Python, git, nginx ...": (80, True),
        "JupyterLab's and supervisord's environment": (205, True),
        "All else": (2, True),
    }
    assert "without ComfyUI" in image_facts.block(image_facts.rows(history, 1), 4, "base", 1, 1, 2)


def steps(stage: str) -> list[str]:
    """The RUN instructions of a stage, each on one line."""
    (text,) = re.findall(rf"(?ms)^FROM \S+ AS {stage}$(.*?)(?=^FROM |\Z)", DOCKERFILE)
    return re.findall(r"(?m)^RUN (.*)$", re.sub(r"\\\n *", "", text))


@pytest.mark.parametrize(
    "stage",
    ["system", "environment", "app", "completion", "comfyui-clone", "node-support", "comfyui-all-locks", "comfyui-thin",
     "comfyui-torch", "comfyui-on", "nodes-clone", "comfyui-full", "sage-on", "image"],
)  # fmt: skip
def test_what_a_step_writes_has_one_date(stage: str) -> None:
    """Else its layer is another one in every build; the other stages are in no image."""
    assert steps(stage)
    for step in steps(stage):
        assert re.search(r"/opt/steps/(one_date \S+( \S+)?|install_comfyui .*)$", step), step


def test_our_layers_are_copied_with_the_folders_above_them() -> None:
    """COPY makes the folders that are missing with the time of the build."""
    copied = re.findall(r"(?m)^COPY --link --from=(environment|app|completion) (\S+) (\S+)$", DOCKERFILE)
    assert {target for _, _, target in copied} == {"/"}
    assert {source for _, source, _ in copied} == {"/environment", "/app", "/kernel", "/completion"}


def test_what_is_new_gets_one_date_and_what_is_older_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/file").touch()
    (tmp_path / "new/link").symlink_to("nowhere")
    (tmp_path / "old").touch()
    os.utime(tmp_path / "old", (1000, 1000))
    begin = str(int((tmp_path / "new").stat().st_mtime))
    subprocess.run([ROOT / "image/one_date", begin, tmp_path], check=True)
    dates = {path.name: path.lstat().st_mtime for path in (tmp_path, *tmp_path.rglob("*"))}
    assert dates.pop("old") == 1000
    assert set(dates.values()) == {1767225600}


def test_sageattentions_extensions_are_compiled_for_the_gpus_that_have_their_instructions() -> None:
    """setup.py's flags for a list with Hopper and others cannot be compiled."""
    flags_for = runpy.run_path(str(ROOT / "image/sage_setup.py"))["flags_for"]
    flags = ["-O3", "--threads=8"]
    for number in ("80", "89", "90a", "120a"):
        flags += ["-gencode", f"arch=compute_{number},code=sm_{number}"]

    def gpus(extension: str) -> list[str]:
        kept = flags_for(f"sageattention.{extension}", flags)
        assert kept[0] == "-O3"
        found = [flag.rpartition("_")[2] for flag in kept if flag.startswith("arch=")]
        assert kept.count("-gencode") == len(found)
        return found

    assert gpus("_qattn_sm80") == gpus("_fused") == ["80", "89", "90a", "120a"]
    assert gpus("_qattn_sm89") == ["89", "90a", "120a"]
    assert gpus("_qattn_sm90") == ["90a"]


def test_sageattention_is_compiled_by_the_cuda_of_the_variants_torch() -> None:
    compiler, torch = pins("sage.lock"), pins("comfyui-cu130.lock")
    for name in ("nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-crt", "nvidia-cuda-cccl", "nvidia-cuda-runtime"):
        assert compiler[name].startswith("13.0."), name
    assert compiler["nvidia-cuda-runtime"] == torch["nvidia-cuda-runtime"]


def test_what_compiles_comfyui_is_not_taken_for_its_environment() -> None:
    """Its step runs that environment's Python: the names of both are in it."""
    compiles = next(line for line in DOCKERFILE.splitlines() if "compileall -q /opt/comfyui " in line)
    assert "/opt/comfyui-env" in compiles
    sizes = {what: size for what, size, _ in image_facts.rows([("", 1), (f"RUN install {compiles}", 14)], base=1)}
    assert sizes["ComfyUI, compiled"] == 14
