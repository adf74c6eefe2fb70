"""A repository with versions of a stand-in for ComfyUI: what each does at its start, and which packages it asks for."""

from __future__ import annotations

from pathlib import Path

from tests.support.node_repositories import commit, git, new_repository

#: Its addresses, its report of custom nodes, and a queue that is a file in the data folder.
_MAIN = """
import http.server, json, os, signal, sys
VERSION = "@VERSION@"
port = int(sys.argv[sys.argv.index("--port") + 1])
own = port == int(os.environ["COMFYUI_INTERNAL_PORT"])
data = os.environ["PODKEEPER_DATA_PATH"]
@AT_START@
nodes = sorted(os.listdir(data + "/custom_nodes"))
failing = @FAILING@
for name in failing:
    print(f"Cannot import {data}/custom_nodes/{name} module for custom nodes: no longer there", flush=True)
print("Import times for custom nodes:", flush=True)
for name in nodes:
    mark = " (IMPORT FAILED)" if name in failing else ""
    print(f"   0.1 seconds{mark}: {data}/custom_nodes/{name}", flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        queued = os.path.exists(data + "/busy") and own
        answers = {
            "/system_stats": {"system": {"comfyui_version": VERSION}, "devices": []},
            "/queue": {"queue_running": [[0, "a"]] if queued else [], "queue_pending": []},
            "/object_info": {"Node": {}},
        }
        body = json.dumps(answers.get(self.path, {})).encode()
        self.send_response(200 if self.path in answers else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
except KeyboardInterrupt:
    pass
"""


def tree(
    version: str, at_start: str = "", requirements: str = "", failing: tuple[str, ...] = (), main: bool = True
) -> dict[str, str]:
    """The files of one version; `at_start`: code before it listens, with `own`: whether it has ComfyUI's own port."""
    text = _MAIN.replace("@VERSION@", version).replace("@AT_START@", at_start).replace("@FAILING@", repr(list(failing)))
    files = {"comfyui_version.py": f'__version__ = "{version}"\n', "requirements.txt": requirements}
    return files | {"main.py" if main else "other.py": text}


def make_versions(folder: Path, versions: dict[str, dict[str, str]]) -> Path:
    """A repository with a tag for each version."""
    repository = new_repository(folder, {"README": ""})
    for name, files in versions.items():
        git(repository, "rm", "-r", "-q", "--ignore-unmatch", ".")
        commit(repository, files)
        git(repository, "tag", name)
    return repository
