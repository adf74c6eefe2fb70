"""A: requests to RunPod's API with the pod's own key, each with a deadline; the key leaves in one header only."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from entrypoint.runpod.answers import REFUSED, Pod, Trouble, graphql_data, pod_of, trouble_of

#: Seconds for one request; runpodctl waits for 30.
TIMEOUT_S = 30.0
#: The most bytes of a response that are read: one pod.
_MOST = 1 << 20
_REST, _GRAPHQL = "https://rest.runpod.io/v1", "https://api.runpod.io/graphql"
#: Where GraphQL is, for a REST address of the user's own.
_BESIDE = "/graphql"
_QUERY = "query Pod($id: String!) { pod(input: {podId: $id}) { id costPerHr adjustedCostPerHr desiredStatus podType runtime { uptimeInSeconds } } }"  # noqa: E501
_STOP = "mutation Stop($id: String!) { podStop(input: {podId: $id}) { id desiredStatus } }"
_TERMINATE = "mutation Terminate($id: String!) { podTerminate(input: {podId: $id}) }"
#: Certificates that the user's programs trust, as for downloads (models/transport/environment.py); OpenSSL itself reads
#: SSL_CERT_FILE and SSL_CERT_DIR. Without any, a slim image's programs fail here (runpodctl's issue 149).
_CERTIFICATES = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


class Api:
    """The API, for one pod."""

    def __init__(self, rest: str, pod: str, key: str, timeout: float = TIMEOUT_S) -> None:
        self._pod, self._key, self._timeout = pod, key, timeout
        self._rest = f"{rest}/pods/{quote(pod, safe='')}"
        self._graphql = _GRAPHQL if rest == _REST else rest + _BESIDE
        where = urlsplit(rest)
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if where.hostname in ("localhost", "127.0.0.1", "::1"):  # nothing on the loopback goes to a proxy
            handlers.append(urllib.request.ProxyHandler({}))
        if where.scheme == "https":
            handlers.append(urllib.request.HTTPSHandler(context=_trusting()))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self) -> Pod:
        """What the API says of the pod. Raises Trouble."""
        found: Pod = self._either(
            lambda: pod_of(*self._send("GET", self._rest)), lambda: pod_of(self._ask("pod", _QUERY))
        )
        return found

    def stop(self) -> None:
        """Ask for the stop. Raises Trouble."""
        self._either(lambda: self._send("POST", f"{self._rest}/stop"), lambda: self._ask("podStop", _STOP))

    def terminate(self) -> None:
        """Ask for the deletion of the pod and its volume disk. Raises Trouble."""
        self._either(lambda: self._send("DELETE", self._rest), lambda: self._ask("podTerminate", _TERMINATE))

    def _either(self, rest: Callable[[], Any], graphql: Callable[[], Any]) -> Any:
        """By REST; by GraphQL where that refuses the key. Raises REST's Trouble where both refuse."""
        try:
            return rest()
        except Trouble as trouble:
            if trouble.status not in REFUSED:
                raise
            with contextlib.suppress(Trouble):
                return graphql()
            raise

    def _ask(self, name: str, query: str) -> Any:
        body = json.dumps({"query": query, "variables": {"id": self._pod}}).encode()
        return graphql_data(self._send("POST", self._graphql, body)[0], name)

    def _send(self, method: str, url: str, body: bytes | None = None) -> tuple[Any, str]:
        """The decoded body, and the header Date. Raises Trouble."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json",
                   "User-Agent": "podkeeper"}  # fmt: skip
        data = body if body is not None or method != "POST" else b""
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 # http(s), the setting's parser
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return _decoded(response.read(_MOST)), response.headers.get("Date", "")
        except urllib.error.HTTPError as error:
            with error, contextlib.suppress(OSError, http.client.HTTPException):
                content = _decoded(error.read(_MOST))
                raise trouble_of(error.code, content, error.headers.get("Retry-After", "")) from None
            raise trouble_of(error.code, None) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            words = "no response in time" if isinstance(reason, TimeoutError) else str(reason) or type(reason).__name__
            raise Trouble(f"it cannot be reached: {' '.join(words.split())[:200]}") from None


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    for path in (*(os.environ.get(name, "") for name in _CERTIFICATES), _certifi()):
        if path:
            with contextlib.suppress(OSError):
                context.load_verify_locations(path)
    return context


def _certifi() -> str:
    """Mozilla's certificates, which come with JupyterLab's packages."""
    try:
        import certifi
    except ImportError:
        return ""
    return certifi.where()


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
