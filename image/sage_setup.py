"""usage: sage_setup.py ARGUMENTS OF setup.py        in the folder of SageAttention's code

SageAttention's setup.py, which would compile each extension for every GPU of TORCH_CUDA_ARCH_LIST. Hopper's
instructions are no other GPU's, so a list with Hopper and another one could not be built
(https://github.com/thu-ml/SageAttention/issues/291).
"""

import functools
import re
import runpy
import sys
from collections.abc import Callable
from typing import Any

#: Extension -> whether it is for a compute capability (80, 120): Hopper's own, 8-bit floats, all.
EXTENSIONS = {
    "_qattn_sm90": lambda capability: capability == 90,
    "_qattn_sm89": lambda capability: capability >= 89,
}


def flags_for(name: str, flags: list[str]) -> list[str]:
    """nvcc's flags without the GPUs that the extension is not for, and for one of them after another.

    setup.py compiles for eight at a time, of as many files as there are processors: more memory than machines have.
    """
    kept: list[str] = []
    wanted = EXTENSIONS.get(name.rpartition(".")[2], lambda capability: True)
    for flag in [flag for flag in flags if not flag.startswith("--threads=")]:
        found = re.match(r"arch=compute_(\d+)", flag)
        if found and not wanted(int(found[1])):
            kept.pop()  # its -gencode
        else:
            kept.append(flag)
    return kept


def setup(stock: Callable[..., Any], **arguments: Any) -> Any:
    """`stock`, setuptools.setup, with those flags."""
    for extension in arguments["ext_modules"]:
        flags = extension.extra_compile_args
        flags["nvcc"] = flags_for(extension.name, flags["nvcc"])
        print(extension.name, *(flag for flag in flags["nvcc"] if flag.startswith("arch=")), flush=True)
    return stock(**arguments)


if __name__ == "__main__":
    import setuptools

    setuptools.setup = functools.partial(setup, setuptools.setup)
    sys.path.insert(0, ".")
    runpy.run_path("setup.py", run_name="__main__")
