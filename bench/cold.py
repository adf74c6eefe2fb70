"""A host that has none of the image: pull, start, first page, ComfyUI; and the pull of a newer image after it.

usage: cold.py MB_PER_S FOLDER NAME=IMAGE[,zstd][,comfyui][,update=IMAGE] ...

NAME: what is measured; IMAGE: one of this engine's images, pushed to a registry of this machine's (Debian's
docker-registry) and pulled over a line of MB_PER_S by an engine of its own that has nothing; `zstd`: its layers are
compressed by zstd -3 in place of gzip; `comfyui`: until ComfyUI responds, too; `update`: then that image is pulled as
well. FOLDER: on a disk with room for the image twice. As root, with docker and docker-registry; the engine has no
network, so the services are asked by `docker exec`. Prints one line for each NAME.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.ports import free_port, responds

_MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_LIMIT_S = 1800
#: Of its own: an engine with `--bridge none` removes docker0, which is the other engine's.
_BRIDGE = "cold0"


class Line:
    """A TCP proxy through which all connections together get so many bytes a second from the registry."""

    def __init__(self, target: int, rate: float) -> None:
        self._target, self._rate = target, rate
        self._next, self._lock = 0.0, threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, sink, paced in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._copy, args=(source, sink, paced), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, paced: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 18):
                if paced:
                    with self._lock:
                        now = time.monotonic()
                        self._next = max(self._next, now) + len(data) / self._rate
                        wait = self._next - now
                    time.sleep(max(wait - 0.05, 0))
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[int]:
    """A registry; yields its port."""
    port = free_port()
    config = {
        "version": "0.1", "log": {"level": "error"}, "http": {"addr": f"127.0.0.1:{port}"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
    }  # fmt: skip
    (folder / "registry.json").write_text(json.dumps(config))
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "registry.json")], stdout=log, stderr=log)
    try:
        until(lambda: responds(port, "/v2/"), 20, "the registry responds")
        yield port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def engine(folder: Path) -> Iterator[list[str]]:
    """An engine that has no image; yields the beginning of its commands."""
    root, socket_path = folder / "engine", folder / "docker.sock"
    command = [
        "dockerd", "--data-root", root, "--exec-root", folder / "exec", "--pidfile", folder / "docker.pid",
        "--host", f"unix://{socket_path}", "--bridge", _BRIDGE, "--iptables=false", "--ip6tables=false",
    ]  # fmt: skip
    run(["ip", "link", "add", _BRIDGE, "type", "bridge"], check=False)
    run(["ip", "addr", "add", "10.231.7.1/24", "dev", _BRIDGE], check=False)
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
    docker = ["docker", "--host", f"unix://{socket_path}"]
    try:
        until(lambda: run([*docker, "version"], check=False).returncode == 0, 60, "the engine responds")
        yield docker
    finally:
        process.terminate()
        process.wait(60)
        run(["ip", "link", "delete", _BRIDGE], check=False)
        shutil.rmtree(root, ignore_errors=True)


def until(holds: Any, limit_s: float, what: str) -> float:
    """Wait; returns the seconds."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > limit_s:
            raise SystemExit(f"cold: not within {limit_s:.0f} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


def run(command: list[Any], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command, without output."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=check)


def push(image: str, name: str, port: int, *, zstd: bool) -> int:
    """Push an image; returns the bytes of its layers."""
    target = f"127.0.0.1:{port}/{name}:gzip"
    run(["docker", "tag", image, target])
    run(["docker", "push", "--quiet", target])
    run(["docker", "rmi", target])
    manifest = json.load(ask(port, f"/v2/{name}/manifests/gzip", {"Accept": _MANIFESTS}))
    if zstd:
        manifest = recompressed(manifest, name, port)
    return sum(each["size"] for each in manifest["layers"])


def recompressed(manifest: dict[str, Any], name: str, port: int) -> dict[str, Any]:
    """Push the image again as `zstd`, with layers of zstd -3, as BuildKit's `compression=zstd` makes them."""
    layers = []
    for layer in manifest["layers"]:
        with (
            ask(port, f"/v2/{name}/blobs/{layer['digest']}") as blob,
            subprocess.Popen(["zstd", "-q", "-3", "-T0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as zstd,
        ):
            assert zstd.stdin
            assert zstd.stdout
            feeder = threading.Thread(target=_feed, args=(gzip.GzipFile(fileobj=blob), zstd.stdin))
            feeder.start()
            layers.append(
                upload(port, name, zstd.stdout) | {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd"}
            )
            feeder.join()
    config = manifest["config"] | {"mediaType": "application/vnd.oci.image.config.v1+json"}
    kind = "application/vnd.oci.image.manifest.v1+json"
    found = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}
    ask(port, f"/v2/{name}/manifests/zstd", {"Content-Type": kind}, "PUT", json.dumps(found).encode()).close()
    return found


def _feed(source: Any, sink: Any) -> None:
    with sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def upload(port: int, name: str, source: Any) -> dict[str, Any]:
    """Upload a blob; returns its digest and size."""
    digest, size = hashlib.sha256(), 0
    place = ask(port, f"/v2/{name}/blobs/uploads/", method="POST").headers["Location"]
    while data := source.read(64 << 20):
        digest.update(data)
        headers = {"Content-Range": f"{size}-{size + len(data) - 1}", "Content-Type": "application/octet-stream"}
        size += len(data)
        place = ask(port, place, headers, "PATCH", data).headers["Location"]
    value = f"sha256:{digest.hexdigest()}"
    ask(port, f"{place}&digest={value}", method="PUT").close()
    return {"digest": value, "size": size}


def ask(port: int, path: str, headers: dict[str, str] | None = None, method: str = "GET", data: bytes = b"") -> Any:
    """Send a request to the registry."""
    address = path if path.startswith("http") else f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(address, data or None, headers or {}, method=method)
    return urllib.request.urlopen(request, timeout=_LIMIT_S)


def measure(docker: list[str], image: str, update: str, *, comfyui: bool) -> dict[str, float]:
    """Seconds: the pull, from its begin to JupyterLab's and ComfyUI's first 200, and the pull of the update."""
    services = [("JupyterLab", 18189, "/api"), *([("ComfyUI", 18188, "/system_stats")] if comfyui else [])]
    began = time.monotonic()
    run([*docker, "pull", "--quiet", image])
    found = {"pull": time.monotonic() - began}
    pod = run([*docker, "run", "--detach", "--network", "none", image]).stdout.strip()
    for name, port, path in services:
        words = [*docker, "exec", pod, "curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{port}{path}"]
        until(lambda words=words: run(words, check=False).returncode == 0, 600, f"{name} responds")
        found[name] = time.monotonic() - began
    run([*docker, "rm", "--force", "--volumes", pod])
    if update:
        began = time.monotonic()
        run([*docker, "pull", "--quiet", update])
        found["update"] = time.monotonic() - began
    return found


def main(rate: str, place: str, *wanted: str) -> int:
    """Measure each; returns the exit code."""
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    for text in wanted:
        name, _, words = text.partition("=")
        image, *options = words.split(",")
        zstd, comfyui = "zstd" in options, "comfyui" in options
        update = next((each.removeprefix("update=") for each in options if each.startswith("update=")), "")
        with registry(folder) as port:
            size = push(image, "pod", port, zstd=zstd)
            if update:
                push(update, "update", port, zstd=zstd)
            line = Line(port, float(rate) * 1e6)
            tag = "zstd" if zstd else "gzip"
            with engine(folder) as docker:
                where = f"127.0.0.1:{line.port}"
                found = measure(
                    docker, f"{where}/pod:{tag}", f"{where}/update:{tag}" if update else "", comfyui=comfyui
                )
        shutil.rmtree(folder / "registry")
        seconds = "  ".join(f"{what} {value:.1f} s" for what, value in found.items())
        print(f"{name}: {size / 1e9:.2f} GB  {seconds}", flush=True)
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(*sys.argv[1:]))
