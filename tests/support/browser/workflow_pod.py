"""A pod with ComfyUI whose hub and GitHub are on this machine: what a workflow names comes from there."""

from __future__ import annotations

import contextlib
import functools
import http.server
import pathlib
import threading
from collections.abc import Iterator

from tests.support.browser.comfyui_door import ComfyPod
from tests.support.models.origin import Origin
from tests.support.node_repositories import git, new_repository

#: A node pack of one node, which makes text.
PROBE = """
class PodProbe:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": "here"})}}

    RETURN_TYPES, FUNCTION, CATEGORY, OUTPUT_NODE = ("STRING",), "say", "probe", True

    def say(self, text):
        return {"ui": {"text": [text]}, "result": (text,)}


NODE_CLASS_MAPPINGS = {"PodProbe": PodProbe}
"""


class WorkflowPod(ComfyPod):
    """Its hub is `origin`; https://github.com/ is the git server at `git_server`."""

    def __init__(self, home: pathlib.Path, origin: Origin, git_server: str, *, real: bool = False, **more: str) -> None:
        super().__init__(home, real)
        self.more = {"HF_ENDPOINT": origin.hub_url, **more}
        (home / "home").mkdir(parents=True)
        (home / "home/.gitconfig").write_text(f'[url "{git_server}/"]\n\tinsteadOf = https://github.com/\n')

    def environ(self) -> dict[str, str]:
        return super().environ() | self.more


@contextlib.contextmanager
def git_server(folder: pathlib.Path) -> Iterator[str]:
    """Serves a repository `acme/PodProbe` as plain files (git's "dumb" protocol); its address."""
    folder.mkdir(exist_ok=True)
    made = new_repository(folder / "work", {"__init__.py": PROBE})
    (folder / "served/acme").mkdir(parents=True)
    git(folder, "clone", "--quiet", "--bare", str(made), "served/acme/PodProbe")
    git(folder / "served/acme/PodProbe", "update-server-info")
    handler = functools.partial(_Quiet, directory=str(folder / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Quiet."""
