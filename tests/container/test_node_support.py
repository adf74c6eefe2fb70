"""What custom nodes need of the system: compilers for Triton and torch.compile, libGL for opencv, ffmpeg.

PODKEEPER_REAL_IMAGE names an image with real ComfyUI in it; docs/image.md says how to build one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.container.engine import Container, docker, running
from tests.support.container.real_comfyui import REAL_IMAGE, STARTUP

pytestmark = pytest.mark.skipif(not REAL_IMAGE, reason="no image with real ComfyUI: PODKEEPER_REAL_IMAGE is not set")
PYTHON = "/opt/comfyui-env/bin/python"
COMPILE = """
import torch
def work(x): return torch.sin(x) * 2 + torch.cos(x)
x = torch.randn(1000)
assert torch.allclose(torch.compile(work)(x), work(x), atol=1e-5)
import torch._dynamo.utils as utils
print("compiled", utils.counters["stats"]["unique_graphs"])
"""
VIDEO = """
import av, numpy
with av.open("/tmp/a.mp4", "w") as out:
    stream = out.add_stream("h264", rate=8)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    for number in range(8):
        picture = numpy.full((64, 64, 3), number * 30, dtype=numpy.uint8)
        for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
            out.mux(packet)
    for packet in stream.encode(): out.mux(packet)
with av.open("/tmp/a.mp4") as found: print("frames", sum(1 for _ in found.decode(video=0)))
"""


@pytest.fixture(scope="module")
def pod() -> Iterator[Container]:
    with running(REAL_IMAGE, "--env", "COMFYUI_ENABLED=false", "--network", "none") as started:
        started.wait_for_log("JupyterLab is up", STARTUP)
        yield started


def run_python(pod: Container, code: str) -> str:
    """What it prints, as a user without a name, with the USER that the services have: torch.compile asks for one."""
    return docker(
        "exec", "--user", "1000", "--env", "HOME=/tmp", "--env", "USER=podkeeper", pod.id, PYTHON, "-c", code
    ).stdout


def test_torch_compiles_a_function(pod: Container) -> None:
    assert run_python(pod, COMPILE).split() == ["compiled", "1"]


def test_triton_finds_a_compiler_and_pythons_headers(pod: Container) -> None:
    """Triton builds a C module for each GPU (triton/runtime/build.py)."""
    code = (
        "import sysconfig, subprocess\n"
        "open('/tmp/m.c', 'w').write('#include <Python.h>\\nint main(void) { return Py_IsInitialized(); }')\n"
        "include = sysconfig.get_paths()['include']\n"
        "subprocess.run(['gcc', '-c', '/tmp/m.c', '-o', '/tmp/m.o', '-I' + include], check=True)\n"
        "print('built')"
    )
    assert run_python(pod, code).strip() == "built"


def test_a_video_is_encoded_and_read(pod: Container) -> None:
    assert run_python(pod, VIDEO).split() == ["frames", "8"]
    words = ("ffmpeg", "-v", "error", "-y", "-i", "/tmp/a.mp4", "/tmp/b.webm")
    docker("exec", "--user", "1000", pod.id, *words)
    probe = ("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0")
    assert docker("exec", pod.id, *probe, "/tmp/b.webm").stdout.strip(" ,\n") == "8"


@pytest.mark.parametrize("library", ["libGL.so.1", "libgthread-2.0.so.0", "libxcb.so.1", "libatomic.so.1"])
def test_libraries_that_nodes_load_are_there(pod: Container, library: str) -> None:
    assert run_python(pod, f"import ctypes; ctypes.CDLL({library!r}); print('ok')").strip() == "ok"
