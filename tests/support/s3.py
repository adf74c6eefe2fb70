"""An S3 store that stands in for a real one: PUT, multipart, HEAD, GET, ETags; and faults. It lists nothing.

Not moto: its server brings 25 packages (boto3, Flask, cryptography) into the lock, and cannot break a connection in the
middle of a body. What rclone 1.60 sends was recorded from it.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

#: A fault for a request, by method and number of the request: `503`, `cut` (the connection, in the middle of a body),
#: `etag` (a wrong one), "": none.
Faults = Callable[[str, int], str]


class Stored(NamedTuple):
    content: bytes
    etag: str
    headers: dict[str, str]


class S3:
    """The store and its server. `puts`: key -> how often it was written; `deletes`: keys that were to be deleted."""

    def __init__(self, bucket: str = "bucket", key: str = "AKIDEXAMPLE") -> None:
        self.bucket, self.key = bucket, key
        self.objects: dict[str, Stored] = {}
        self.puts: Counter[str] = Counter()
        self.deletes: list[str] = []
        self.seen: list[tuple[str, str]] = []
        self.faults: Faults = lambda _method, _number: ""
        self.refuses = False
        self.uploads: dict[str, tuple[dict[str, str], dict[int, bytes]]] = {}
        self._numbers = itertools.count()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environ(self, secret: str = "secret-of-the-store") -> dict[str, str]:  # noqa: S107 # a stand-in's
        """The variables with which a pod delivers to it."""
        return {
            "OUTPUTS_TO": f"s3://{self.bucket}/out", "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1",
        }  # fmt: skip

    def __enter__(self) -> S3:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def names(self) -> dict[str, bytes]:
        """Name below the prefix -> content."""
        return {key.removeprefix("out/"): stored.content for key, stored in dict(self.objects).items()}

    def fault(self, method: str) -> str:
        return self.faults(method, next(self._numbers))

    def put(self, key: str, content: bytes, headers: dict[str, str], etag: str = "") -> str:
        self.puts[key] += 1
        stored = Stored(content, etag or _md5(content), headers)
        self.objects[key] = stored
        return stored.etag


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    store: S3

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_HEAD(self) -> None:
        self._handle()

    def do_GET(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, *arguments: object) -> None:
        """Quiet."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.store.seen.append((self.command, self.path))
        fault = self.store.fault(self.command)
        length = int(self.headers.get("Content-Length") or 0)
        if fault == "cut":
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(length)
        if not self._may():
            self._error(403, "InvalidAccessKeyId", "The key does not exist")
        elif fault == "503":
            self._error(503, "SlowDown", "Please reduce your request rate")
        elif bucket != self.store.bucket:
            self._error(404, "NoSuchBucket", "The specified bucket does not exist")
        elif self.command in ("GET", "HEAD"):
            self._read(key, "0" * 32 if fault == "etag" else "")
        elif self.command == "DELETE":
            self.store.deletes.append(key)
            self._send(204)
        else:
            kept = {name: text for name, text in self.headers.items() if name.lower().startswith("x-amz-meta-")}
            self._write(key, query, body, kept)

    def _may(self) -> bool:
        """Whether the request is signed with the store's key: in a header, or (presigned) in the address."""
        signed = self.headers.get("Authorization", "") + unquote(self.path).replace("X-Amz-Credential=", "Credential=")
        return not self.store.refuses and f"Credential={self.store.key}/" in signed

    def _read(self, key: str, wrong: str) -> None:
        stored = self.store.objects.get(key)
        if stored is None:
            self._error(404, "NoSuchKey", "The specified key does not exist")
            return
        time = {"Last-Modified": "Thu, 26 Nov 2026 06:00:00 GMT"}
        self._send(200, stored.headers | time | {"ETag": f'"{wrong or stored.etag}"'}, stored.content)

    def _write(self, key: str, query: dict[str, str], body: bytes, kept: dict[str, str]) -> None:
        uploads, number = self.store.uploads, query.get("uploadId", "")
        if self.command == "PUT" and number:
            uploads[number][1][int(query["partNumber"])] = body
            self._send(200, {"ETag": f'"{_md5(body)}"'})
        elif self.command == "PUT":
            self._send(200, {"ETag": f'"{self.store.put(key, body, kept)}"'})
        elif "uploads" in query:
            number = f"upload{len(self.store.seen)}"
            uploads[number] = kept, {}
            self._xml(f"<InitiateMultipartUploadResult><UploadId>{number}</UploadId></InitiateMultipartUploadResult>")
        else:
            headers, parts = uploads.pop(number)
            content = b"".join(parts[each] for each in sorted(parts))
            etag = self.store.put(key, content, headers, f"{_md5(content)}-{len(parts)}")
            self._xml(f"<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>")

    def _xml(self, text: str, status: int = 200) -> None:
        body = f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
        self._send(status, {"Content-Type": "application/xml"}, body)

    def _error(self, status: int, code: str, message: str) -> None:
        self._xml(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", status)

    def _send(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
