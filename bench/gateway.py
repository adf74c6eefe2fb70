"""What the gateway costs: 1 kB and 300 MB, down and up, straight to a ComfyUI stand-in and through nginx.

The stand-in is aiohttp, as ComfyUI is. It sends a file as ComfyUI's /view does (sendfile) and takes a form as its
/upload/image does; through the gateway a file is handed over to nginx by the very module that ComfyUI loads.

usage: scripts/bench gateway [ROUNDS]

Both ways take turns within one run, on connections that stay open. A ratio is the median
of the rounds' own, since whatever else the machine does hits both halves of a round; three programs are at work, so
where less than two cores are free it says little. Exit code 1 when a target is missed: p50 of 1 kB at most 1 ms more,
throughput of 300 MB at least 0.9 of direct.
"""

import pathlib
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from operator import truediv

from tests.support.door.running_door import FILES, TOKEN, running

SMALL = 500  # requests a round and way
BIG = 300  # MiB
MIB = 1 << 20
#: A form with a file, as ComfyUI's page sends it.
FORM = b'--x\r\nContent-Disposition: form-data; name="image"; filename="up.bin"\r\n\r\n'
FORM_END = b"\r\n--x--\r\n"
MOST_ADDED_MS, LEAST_THROUGHPUT = 1.0, 0.9


class Client:
    """One connection that stays open; as little of Python as can be on the way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = memoryview(bytearray(MIB))

    def ask(self, method: str, path: str, body: int = 0) -> int:
        """Bytes of the answer's body."""
        first, last = (FORM, FORM_END) if body else (b"", b"")
        self.socket.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\n"
            f"Content-Length: {len(first) + body + len(last)}\r\n\r\n".encode()
        )
        self.socket.sendall(first)
        block = bytes(MIB)
        for _ in range(body // MIB):
            self.socket.sendall(block)
        self.socket.sendall(last)
        return self._read_answer()

    def _read_answer(self) -> int:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise RuntimeError("the connection was closed")
            data += chunk
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
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
        return length


def main(rounds: int) -> int:
    """Measure, print, judge."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-gateway-") as folder,
        running(pathlib.Path(folder), fake=FILES) as scene,
    ):
        pathlib.Path(folder).chmod(0o755)  # as /comfyui: nginx may be another user
        output = scene.data / "output"
        output.mkdir(parents=True)
        (output / "big.mp4").write_bytes(bytes(BIG * MIB))
        clients = {"direct": Client(scene.internal_port), "gateway": Client(scene.port)}
        small = measure(clients, rounds * SMALL, lambda client: client.ask("GET", "/source-1k"))
        down = measure(clients, rounds, lambda client: client.ask("GET", "/view?filename=big.mp4"))
        up = measure(clients, rounds, lambda client: client.ask("POST", "/upload/image", BIG * MIB))
    return report(small, down, up)


def measure(clients: dict[str, Client], count: int, work: Callable[[Client], int]) -> dict[str, list[float]]:
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


def report(*measured: dict[str, list[float]]) -> int:
    """The table; 0 when the targets are met."""
    small, down, up = measured
    print(f"{'':10}{'1 kB p50 ms':>13}{'p99 ms':>9}{'300 MB down MB/s':>19}{'ratio':>7}{'up MB/s':>10}{'ratio':>7}")
    ratios = []
    for name in small:
        centiles = statistics.quantiles(small[name], n=100)
        row = f"{name:10}{centiles[49] * 1e3:13.3f}{centiles[98] * 1e3:9.3f}"
        for seconds, width in ((down, 19), (up, 10)):
            speed = BIG * MIB / 1e6 / statistics.median(seconds[name])
            ratio = statistics.median(map(truediv, seconds["direct"], seconds[name]))
            row += f"{speed:{width}.0f}{ratio:7.2f}"
            ratios.append(ratio)
        print(row)
    added = (statistics.median(small["gateway"]) - statistics.median(small["direct"])) * 1e3
    print(f"added to 1 kB: {added:.3f} ms (target: at most {MOST_ADDED_MS}); throughput target: {LEAST_THROUGHPUT}")
    return int(added > MOST_ADDED_MS or min(ratios) < LEAST_THROUGHPUT)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
