"""deploy/runpod/apply.py against a stand-in for RunPod's REST API."""

from __future__ import annotations

import contextlib
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.checkout import ROOT

FOLDER = ROOT / "deploy/runpod"
TEMPLATE = json.loads((FOLDER / "template.json").read_text())
KEY, IMAGE = "rpa_s3cret", "ghcr.io/me/podkeeper:1.2.3"


class RunPod:
    """A stand-in for RunPod's REST API that keeps templates and requests in memory."""

    def __init__(self) -> None:
        self.templates: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.fail: dict[str, tuple[int, str]] = {}
        self.delay = 0.0
        self.url = ""

    def answer(self, method: str, path: str, key: str | None, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path))
        if key != f"Bearer {KEY}":
            return 401, {"error": "unauthorized"}
        if method in self.fail:
            code, text = self.fail[method]
            return code, {"error": text}
        if (method, path) == ("GET", "/v1/templates"):
            return 200, self.templates
        if (method, path) == ("POST", "/v1/templates"):
            self.templates.append({"id": "new1", **body})
            return 201, self.templates[-1]
        for template in self.templates:
            if (method, path) == ("PATCH", f"/v1/templates/{template['id']}"):
                template.update(body)
                return 200, template
        return 404, {"error": "template not found"}


@pytest.fixture
def runpod() -> Iterator[RunPod]:
    state = RunPod()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            time.sleep(state.delay)
            code, content = state.answer(self.command, self.path, self.headers["Authorization"], body)
            text = json.dumps(content).encode()
            with contextlib.suppress(OSError):  # it may have given up on us
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", f"{state.url}/v1/elsewhere")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _do  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def apply(runpod: RunPod, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it; whatever comes of it, the key is not shown."""
    base = {"RUNPOD_API_KEY": KEY, "RUNPOD_API_URL": f"{runpod.url}/v1", "RUNPOD_API_TIMEOUT": "5"}
    ended = subprocess.run(
        [sys.executable, "-I", FOLDER / "apply.py", IMAGE, *arguments],
        env={name: text for name, text in (base | environ).items() if text},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert KEY not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended


def test_a_dry_run_prints_the_changes_and_makes_none(runpod: RunPod) -> None:
    ended = apply(runpod)
    assert ended.returncode == 0
    assert ended.stdout.startswith("would create (--apply does it)")
    assert IMAGE in ended.stdout
    assert runpod.asked == [("GET", "/v1/templates")]


def test_without_a_key_no_request_is_sent_and_apply_fails(runpod: RunPod) -> None:
    assert IMAGE in apply(runpod, RUNPOD_API_KEY="").stdout
    ended = apply(runpod, "--apply", RUNPOD_API_KEY="")
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert runpod.asked == []


def test_the_template_is_created_then_left_alone_then_updated_where_it_differs(runpod: RunPod) -> None:
    assert apply(runpod, "--apply").stdout == "created new1\n"
    assert runpod.templates == [{"id": "new1", **TEMPLATE, "imageName": IMAGE}]
    assert apply(runpod, "--apply").stdout.endswith("is as it should be\n")
    runpod.templates[0]["imageName"] = "old"
    runpod.templates[0]["ports"] = ["8888/http"]
    assert "would update new1" in apply(runpod).stdout
    assert runpod.templates[0]["imageName"] == "old"
    assert apply(runpod, "--apply").stdout == "updated new1: imageName, ports\n"
    assert runpod.templates == [{"id": "new1", **TEMPLATE, "imageName": IMAGE}]
    assert [method for method, _ in runpod.asked].count("POST") == 1


def test_variables_added_in_the_console_stay_and_are_not_shown(runpod: RunPod) -> None:
    runpod.templates = [{"id": "a", **TEMPLATE, "imageName": "old", "env": {"HF_TOKEN": "hf_mine", "MODELS": "none"}}]
    ended = apply(runpod, "--apply")
    assert ended.returncode == 0
    assert runpod.templates[0]["env"] == {"HF_TOKEN": "hf_mine", "MODELS": "none"}
    runpod.templates[0]["imageName"] = "old"
    assert "hf_mine" not in apply(runpod).stdout


def test_other_templates_are_left_alone(runpod: RunPod) -> None:
    other = {"id": "b", "name": "Another", "imageName": "x"}
    runpod.templates = [dict(other)]
    assert apply(runpod, "--apply").returncode == 0
    assert runpod.templates[0] == other


def test_two_templates_of_the_same_name_are_an_error(runpod: RunPod) -> None:
    runpod.templates = [{"id": each, "name": TEMPLATE["name"]} for each in ("a", "b")]
    ended = apply(runpod, "--apply")
    assert ended.returncode == 65
    assert "(a, b)" in ended.stderr


@pytest.mark.parametrize(
    ("method", "code", "exit_code", "words"),
    [
        ("GET", 401, 77, "RunPod refuses the key (401)"),
        ("GET", 403, 77, "RunPod refuses the key (403)"),
        ("PATCH", 404, 69, "it was deleted meanwhile"),
        ("PATCH", 400, 65, "RunPod answers 400 to PATCH /templates/a: "),
        ("GET", 429, 65, "RunPod answers 429"),
        ("GET", 503, 69, "RunPod answers 503"),
        ("GET", 302, 69, "RunPod answers 302"),
    ],
)
def test_a_refusal_is_one_line(runpod: RunPod, method: str, code: int, exit_code: int, words: str) -> None:
    """Also where the response repeats the key, and where a redirect would take it to another host."""
    runpod.templates = [{"id": "a", "name": TEMPLATE["name"]}]
    runpod.fail[method] = (code, f"no, {KEY}!")
    ended = apply(runpod, "--apply")
    assert ended.returncode == exit_code
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ("GET", "/v1/elsewhere") not in runpod.asked


def test_a_wrong_key_is_refused_by_the_stand_in_too(runpod: RunPod) -> None:
    assert apply(runpod, RUNPOD_API_KEY="wrong").returncode == 77


def test_a_server_that_never_responds_times_out(runpod: RunPod) -> None:
    runpod.delay = 3.0
    started = time.monotonic()
    ended = apply(runpod, RUNPOD_API_TIMEOUT="0.3")
    assert ended.returncode == 69
    assert "no answer to GET /templates: timed out; run this again" in ended.stderr
    assert time.monotonic() - started < 30


def test_an_unreachable_server_is_reported_in_one_line(runpod: RunPod) -> None:
    ended = apply(runpod, RUNPOD_API_URL="http://127.0.0.1:9/v1")
    assert ended.returncode == 69
    assert "Connection refused" in ended.stderr


def test_the_key_goes_over_https_only(runpod: RunPod) -> None:
    ended = apply(runpod, RUNPOD_API_URL="http://runpod.example/v1")
    assert ended.returncode == 78
    assert "the key goes over https only" in ended.stderr
