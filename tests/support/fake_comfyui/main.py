"""Stands in for ComfyUI where there is none: its arguments, its health address, its clean stop on SIGINT."""

import argparse
import http.server
import json
import signal
import sys

print("fake: arguments", sys.argv[1:], flush=True)
if "--crash" in sys.argv:
    sys.exit("fake: crashed")
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=8188)
known, _ = parser.parse_known_args()


class Handler(http.server.BaseHTTPRequestHandler):
    """GET /system_stats, /queue and /prompt as ComfyUI answers them; POST /prompt queues, POST /queue empties.
    POST /silent: /prompt is gone until the queue is emptied."""

    queued, silent = 0, False

    def do_GET(self) -> None:
        answers = {
            "/system_stats": {"system": {"comfyui_version": "0.0.0-fake"}, "devices": []},
            "/queue": {"queue_running": [], "queue_pending": [[number] for number in range(Handler.queued)]},
            "/prompt": {"exec_info": {"queue_remaining": Handler.queued}},
        }
        if self.silent:
            answers.pop("/prompt")
        self.answer(200 if self.path in answers else 404, answers.get(self.path, {}))

    def do_POST(self) -> None:
        Handler.queued = Handler.queued + 1 if self.path == "/prompt" else 0
        Handler.silent = self.path == "/silent"
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(200, {})

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as PID 1 the real one ignores it
server = http.server.ThreadingHTTPServer(("0.0.0.0", known.port), Handler)
try:
    server.serve_forever()
except KeyboardInterrupt:
    print("fake: stopped cleanly by SIGINT", flush=True)
