"""What the door costs at each of its ports: a small response, a large one and an upload, directly and through nginx.

JupyterLab and the status server are the real ones, in a pod; they are asked directly with the door's secret. ComfyUI is
an aiohttp stand-in, as ComfyUI is: it sends a file as ComfyUI's /view does (sendfile) and takes a form as its
/upload/image does; through the door a file is handed over to nginx by the very module that ComfyUI loads. JupyterLab's
upload is what its page sends: pieces of 1 MiB, base64 in JSON.

usage: scripts/bench gateway [ROUNDS]

Both ways take turns within one run, on connections that stay open. A ratio is the median of the rounds' own, since
whatever else the machine does hits both halves of a round; three programs are at work, so where less than two cores are
free it says little. Exit code 1 when a target is missed: p50 of a small response at most 1 ms more, throughput at least
0.9 of direct.
"""

import base64
import contextlib
import json
import pathlib
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from operator import truediv
from typing import NamedTuple

from tests.support.door.running_door import FILES, TOKEN, running
from tests.support.pod import TOKEN as POD_TOKEN
from tests.support.pod import running as running_pod

SMALL = 500  # requests a round and way
BIG = 300  # MiB
PIECES = 64  # of 1 MiB
MIB = 1 << 20
#: A form with a file, as ComfyUI's page sends it.
FORM = b'--x\r\nContent-Disposition: form-data; name="image"; filename="up.bin"\r\n\r\n'
FORM_END = b"\r\n--x--\r\n"
MOST_ADDED_MS, LEAST_THROUGHPUT = 1.0, 0.9


class Client:
    """One connection that stays open; as little of Python as can be on the way."""

    def __init__(self, port: int, login: str) -> None:
        """`login`: a header line."""
        self.port, self.login = port, login
        self.buffer = memoryview(bytearray(MIB))

    def connect(self) -> None:
        """A connection that stays open; made late, because servers close idle ones."""
        self.socket = socket.create_connection(("127.0.0.1", self.port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> None:
        """A response, read to its end."""
        self._send("GET", path, 0)
        self._read_response()

    def post_form(self, path: str, size: int) -> None:
        """A form with a file of `size` bytes, sent as a stream."""
        self._send("POST", path, len(FORM) + size + len(FORM_END), "multipart/form-data; boundary=x")
        self.socket.sendall(FORM)
        block = bytes(MIB)
        for _ in range(size // MIB):
            self.socket.sendall(block)
        self.socket.sendall(FORM_END)
        self._read_response()

    def put(self, path: str, body: bytes) -> None:
        """A body of JSON."""
        self._send("PUT", path, len(body), "application/json")
        self.socket.sendall(body)
        self._read_response()

    def _send(self, method: str, path: str, length: int, kind: str = "text/plain") -> None:
        self.socket.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{self.login}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {length}\r\n\r\n".encode()
        )

    def _read_response(self) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._received(65536)
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise RuntimeError(head.decode())
        (length,) = [
            int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        ]
        missing = length - len(rest)
        while missing:
            received = self.socket.recv_into(self.buffer, min(missing, MIB))
            if not received:
                raise RuntimeError("the connection was closed")
            missing -= received

    def _received(self, most: int) -> bytes:
        chunk = self.socket.recv(most)
        if not chunk:
            raise RuntimeError("the connection was closed")
        return chunk


class Lane(NamedTuple):
    """One port: how it is reached, and what is asked of it; no `down`, no `up`: the service has nothing large."""

    title: str
    clients: dict[str, Client]
    small: str
    down: str = ""
    up: Callable[[Client], None] | None = None


@contextlib.contextmanager
def lanes() -> Iterator[list[Lane]]:
    """The three ports, with what is behind them running."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-gateway-")))
        folder.chmod(0o755)  # as /comfyui: nginx may be another user
        scene = stack.enter_context(running(folder / "comfyui", fake=FILES))
        pod = stack.enter_context(running_pod(folder / "pod"))
        for path in (scene.data / "output/big.mp4", pod.home / "comfyui/big.bin"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(BIG * MIB))
        pod.wait_for_jupyter()
        pod.wait_for_log("  Logs ")
        secret = (pod.home / "run/door_secret").read_text()

        def clients(name: str, port: int) -> dict[str, Client]:
            inner = Client(int(pod.environ[f"{name}_INTERNAL_PORT"]), f"X-Podkeeper-Door: {secret}")
            return {"direct": inner, "door": Client(port, f"Authorization: Bearer {POD_TOKEN}")}

        comfyui = {
            "direct": Client(scene.internal_port, "X-None: x"),
            "door": Client(scene.port, f"Authorization: Bearer {TOKEN}"),
        }
        yield [
            Lane("JupyterLab", clients("JUPYTER", pod.jupyter_port), "/api/status", "/files/big.bin", upload_in_pieces),
            Lane("ComfyUI", comfyui, "/source-1k", "/view?filename=big.mp4",
                 lambda client: client.post_form("/upload/image", BIG * MIB)),
            Lane("Status", clients("STATUS", pod.status_port), "/healthz"),
        ]  # fmt: skip


def upload_in_pieces(client: Client) -> None:
    """As JupyterLab's page uploads a file."""
    content = base64.b64encode(bytes(MIB)).decode()
    for number in range(1, PIECES + 1):
        piece = {"type": "file", "format": "base64", "content": content, "chunk": -1 if number == PIECES else number}
        client.put("/api/contents/up.bin", json.dumps(piece).encode())


def main(rounds: int) -> int:
    """Measure, print, judge."""
    print(f"{'':12}{'p50 direct ms':>14}{'door':>8}{'added':>8}{'p99 door':>10}{'down ratio':>12}{'up ratio':>10}")
    missed = 0
    with lanes() as measured:
        for lane in measured:
            for client in lane.clients.values():
                client.connect()
            small = measure(lane.clients, rounds * SMALL, lambda client, path=lane.small: client.get(path))
            p50 = {way: statistics.median(seconds) * 1e3 for way, seconds in small.items()}
            added, p99 = p50["door"] - p50["direct"], statistics.quantiles(small["door"], n=100)[98] * 1e3
            works = [lane.down and (lambda client, path=lane.down: client.get(path)), lane.up]
            ratios = [ratio(measure(lane.clients, rounds, work)) for work in works if work]
            row = f"{lane.title:12}{p50['direct']:14.3f}{p50['door']:8.3f}{added:8.3f}{p99:10.3f}"
            print(row + "".join(f"{each:{width}.2f}" for each, width in zip(ratios, (12, 10), strict=False)))
            missed += added > MOST_ADDED_MS or min(ratios, default=1.0) < LEAST_THROUGHPUT
    print(f"targets: at most {MOST_ADDED_MS} ms more, at least {LEAST_THROUGHPUT} of the direct throughput")
    return int(missed > 0)


def measure(clients: dict[str, Client], count: int, work: Callable[..., None]) -> dict[str, list[float]]:
    """Seconds each, in turns, so that whatever else the machine does hits both."""
    seconds: dict[str, list[float]] = {name: [] for name in clients}
    for client in clients.values():
        work(client)
    for _ in range(count):
        for name, client in clients.items():
            before = time.perf_counter()
            work(client)
            seconds[name].append(time.perf_counter() - before)
    return seconds


def ratio(seconds: dict[str, list[float]]) -> float:
    """Throughput through the door, as a share of the direct one."""
    return float(statistics.median(map(truediv, seconds["direct"], seconds["door"])))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
