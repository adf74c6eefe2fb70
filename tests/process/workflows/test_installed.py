"""What ComfyUI has: asked while it runs, read in its code else; and where a file without an address may be from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from entrypoint.settings.settings import Settings
from entrypoint.workflows.candidates import candidates, node_candidates
from entrypoint.workflows.installed import core_classes, look
from tests.support.comfyui_paths import paths_in
from tests.support.ports import free_port
from tests.support.workflows.shapes import HUB, entry, graph, node

TEMPLATES = "comfyui_workflow_templates_json/templates"


class ComfyUI(BaseHTTPRequestHandler):
    body: ClassVar[bytes] = b""
    status: ClassVar[int] = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/object_info" else 404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), ComfyUI) as running:
        Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running.server_port
        running.shutdown()


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    """ComfyUI's code and environment."""
    code = tmp_path / "ComfyUI"
    for folder in ("comfy_extras", f"venv/lib/python3.12/site-packages/{TEMPLATES}", "venv/bin"):
        (code / folder).mkdir(parents=True)
    (code / "venv/bin/python").touch(0o755)
    (code / "main.py").touch()
    (code / "nodes.py").write_text('X = {"no": 5}\nNODE_CLASS_MAPPINGS = {\n    "A B": A,\n    "C": C,  # of C\n}\n')
    (code / "comfy_extras/nodes_x.py").write_text(
        "Schema(node_id='D', display_name=\"E\")\nclass F:\n    NodeId = 'F'\n"
    )
    return code


@pytest.mark.parametrize(
    ("body", "status", "classes"),
    [
        (b'{"A": {}, "Custom": {}}', 200, {"A", "Custom"}),
        (b'{"A": {}}', 500, None),
        (b"[]", 200, None),
        (b"{", 200, None),
        (b"", 200, None),
    ],
)
def test_the_running_comfyui_is_asked(
    tmp_path: Path, comfyui: Path, port: int, body: bytes, status: int, classes: set[str] | None
) -> None:
    ComfyUI.body, ComfyUI.status = body, status
    found = look(Settings(comfyui_dir=str(comfyui), comfyui_internal_port=port), paths_in(tmp_path))
    assert found.classes == classes
    assert found.core == {"A B", "C", "D", "F"}


def test_without_comfyui_nothing_is_known(tmp_path: Path) -> None:
    found = look(Settings(comfyui_dir=str(tmp_path), comfyui_internal_port=free_port()), paths_in(tmp_path))
    assert found.classes is None
    assert (found.core, found.nodes) == (frozenset(), [])
    assert core_classes(str(tmp_path / "nowhere")) == set()


def test_candidates_are_of_the_catalogue_and_of_templates(comfyui: Path) -> None:
    """A template that cannot be read costs itself alone."""
    folder = comfyui / "venv/lib/python3.12/site-packages"
    chosen = graph(node(1, "VAELoader", "mine.pt", models=[entry("vae", "mine.pt")]))
    (folder / TEMPLATES / "one.json").write_text(json.dumps(chosen))
    (folder / TEMPLATES / "two.json").write_text("{")
    (folder / "comfyui_manager").mkdir()
    listed = {"https://github.com/o/n": [["Foo", 5], {}], "https://github.com/o/bad": 5, "x": []}
    (folder / "comfyui_manager/extension-node-map.json").write_text(json.dumps(listed))
    settings = Settings(comfyui_dir=str(comfyui))
    found = candidates(settings, {"sub/mine.pt", "wan_2.1_vae.safetensors", "nobody.pt"})
    assert found["sub/mine.pt"] == [f"{HUB}/mine.pt?download=true (the template one)"]
    assert "of the catalogue)" in found["wan_2.1_vae.safetensors"][0]
    assert set(found) == {"sub/mine.pt", "wan_2.1_vae.safetensors"}
    assert set(
        candidates(Settings(comfyui_dir="/nowhere"), {"mine.pt", "ae.safetensors", "wan_2.1_vae.safetensors"})
    ) == {"wan_2.1_vae.safetensors"}  # without ComfyUI, the catalogue's alone
    assert node_candidates(settings, {"Foo", "Bar"}) == {"Foo": ["podkeeper nodes install https://github.com/o/n"]}
