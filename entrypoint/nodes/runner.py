"""A: becomes ComfyUI, and notes which custom node is being loaded: `python runner.py MARKER main.py ARGUMENTS`.

It runs in ComfyUI's Python, so it is a script of its own and needs the standard library alone. An audit hook (PEP 578)
sees each module's code before it is executed: nothing of ComfyUI is patched, and an event costs about 100 ns. The name
in MARKER is that of the entry in `custom_nodes`; MARKER is empty once ComfyUI listens: what ends it then is no start.

While ComfyUI imports, its garbage collector (gc) waits: ComfyUI 0.29's million objects hold 12,000 of garbage, 8 MB,
and looking for those took 1.3 of the 4.9 s until it listens. What is there then is frozen: each later `gc.collect()`,
which ComfyUI calls after its prompts, took 0.25 s for the objects of modules that never go.
"""

from __future__ import annotations

import gc
import os
import runpy
import sys

#: What ComfyUI itself executes of a node: custom_nodes/NAME.py, NAME/__init__.py and NAME/prestartup_script.py.
_FOLDER, _FILES = "/custom_nodes/", ("", "__init__.py", "prestartup_script.py")
_WIDTH = 256
#: New objects before a collection while ComfyUI imports: more than it has, and still a bound.
_IMPORT_THRESHOLD = 5_000_000


class Hook:
    """The audit hook. `marker`: descriptor of the file that holds the node's name, padded to a fixed width."""

    def __init__(self, marker: int, port: str) -> None:
        self._marker, self._port = marker, port
        self._last = ""
        self._on = True
        self._thresholds = gc.get_threshold()
        gc.set_threshold(_IMPORT_THRESHOLD, *self._thresholds[1:])

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._on:
            return
        if event == "exec":
            path = getattr(arguments[0], "co_filename", "")
            if _FOLDER not in path:
                return
            name, _, file = path.rpartition(_FOLDER)[2].partition("/")
            if name != self._last and file in _FILES:
                self._last = name
                os.pwrite(self._marker, os.fsencode(name)[:_WIDTH].ljust(_WIDTH), 0)
        elif event == "socket.bind" and self._is_own(arguments[1]):
            self._on = False
            gc.freeze()
            gc.set_threshold(*self._thresholds)
            os.ftruncate(self._marker, 0)

    def _is_own(self, address: object) -> bool:
        return isinstance(address, tuple) and len(address) > 1 and str(address[1]) == self._port


def main() -> None:
    """Run the script given in the arguments as `__main__`."""
    marker, script, *arguments = sys.argv[1:]
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    port = arguments[arguments.index("--port") + 1] if "--port" in arguments[:-1] else ""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        sys.addaudithook(Hook(os.open(marker, flags, 0o644), port))
    except OSError as error:  # without it ComfyUI runs as well; a node that ends it is not named
        print(f"comfyui: cannot note which node is being loaded: {error}", flush=True)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
