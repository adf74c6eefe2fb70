"""Why ComfyUI ended, from its log; the lines are those of ComfyUI 0.29, argparse and faulthandler."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.comfyui.last_words import is_wrong_argument, last_words

START = "comfyui: /opt/comfyui-env/bin/python -X faulthandler runner.py marker /opt/comfyui/main.py --listen 127.0.0.1"
TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/opt/comfyui/main.py", line 200, in <module>',
    "    import execution",
    "ModuleNotFoundError: No module named 'torchsde'",
]
SEGMENTATION = [
    "Fatal Python error: Segmentation fault",
    "",
    "Current thread 0x00007f (most recent call first):",
    '  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at',
    '  File "/comfyui/custom_nodes/Bad/__init__.py", line 1 in <module>',
]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], ""),
        ([START], ""),
        ([START, "usage: main.py [-h] [--listen [IP]]", "main.py: error: unrecognized arguments: --fsat"],
         "unrecognized arguments: --fsat"),
        ([START, "main.py: error: argument --cpu: not allowed with argument --lowvram"],
         "argument --cpu: not allowed with argument --lowvram"),
        ([START, *TRACEBACK], "ModuleNotFoundError: No module named 'torchsde'"),
        ([START, *TRACEBACK, "some line after it"], "ModuleNotFoundError: No module named 'torchsde'"),
        ([START, "\x1b[31mRuntimeError: Found no NVIDIA driver on your system.\x1b[0m"],
         "RuntimeError: Found no NVIDIA driver on your system."),
        ([START, "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"],
         "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"),
        ([START, "torch.AcceleratorError: CUDA error: device-side assert triggered"],
         "torch.AcceleratorError: CUDA error: device-side assert triggered"),
        ([START, *SEGMENTATION], "Segmentation fault in /usr/lib/python3.11/ctypes/__init__.py, line 519"),
        ([START, *TRACEBACK, START, "Starting server", ""], "Starting server"),  # the last start alone
        ([START, "fake: crashed"], "fake: crashed"),
        ([START, "KeyError: 'x' " + "y" * 1000], "KeyError: 'x' " + "y" * 286 + "..."),
    ],
)  # fmt: skip
def test_the_line_that_says_why(lines: list[str], words: str) -> None:
    assert last_words(lines) == words


@given(st.lists(st.text(max_size=80), max_size=20))
def test_any_log_gives_one_line(lines: list[str]) -> None:
    assert "\n" not in last_words(lines)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [("unrecognized arguments: --x", True), ("argument --port: expected one argument", True),
     ("ambiguous option: --cp could match --cpu, --cpu-vae", True), ("KeyError: 'x'", False), ("", False)],
)  # fmt: skip
def test_a_wrong_argument(words: str, wrong: bool) -> None:
    assert is_wrong_argument(words) is wrong
