"""Requests to the status server of a pod."""

from __future__ import annotations

import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urljoin

from tests.support.pod import TOKEN, Pod
from tests.support.waiting import wait_until

BEARER = {"Authorization": f"Bearer {TOKEN}"}
#: Another pod's page: the same site to a browser.
SIBLING = "https://zzz999-8190.proxy.runpod.net"


class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    text: str


def ask(pod: Pod, path: str, headers: dict[str, str] | None = None, method: str = "GET", body: str = "") -> Answer:
    """One request, redirects not followed."""
    connection = http.client.HTTPConnection("127.0.0.1", pod.status_port, timeout=20)
    try:
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        if location := answer.headers["Location"]:
            answer.headers.replace_header("Location", urljoin(path, location))  # where it leads, as a browser reads it
        return Answer(answer.status, answer.headers, answer.read().decode())
    finally:
        connection.close()


def status_of(pod: Pod) -> dict[str, Any]:
    """status.json."""
    content: dict[str, Any] = json.loads(ask(pod, "/status.json", BEARER).text)
    return content


def wait_for_status(pod: Pod) -> None:
    def up() -> bool:
        try:
            return ask(pod, "/healthz").status == 200
        except OSError:
            return False

    wait_until(up, 60, f"the status server answers; see {pod.output}", 0.1)


def logged_in(pod: Pod) -> dict[str, str]:
    """Headers of a browser that followed the address in the log."""
    answer = ask(pod, f"/?token={TOKEN}")
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert TOKEN not in cookie
    return {"Cookie": cookie.partition(";")[0]}
