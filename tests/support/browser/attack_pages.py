"""Runs the attacks of pages/attack.js in a logged-in browser and judges them by what they did to the pod."""

import dataclasses
import itertools
import json
import pathlib
import time
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.support.browser.pods import Pod, Starting
from tests.support.waiting import wait_until

VICTIM = "victim.txt"
SECRET = "a text only the user may read"
# Seconds after login in which Chromium sends a cookie that has no SameSite with top-level forms of any site.
LAX_POST_WINDOW = 120


@dataclasses.dataclass(frozen=True)
class State:
    """Everything an attack could change on the pod."""

    files: dict[str, bytes]
    terminals: set[str]
    kernels: set[str]
    sessions: set[str]
    started: str


class Stage:
    """A user's browser, logged in at the pod and with a terminal and a kernel running there."""

    def __init__(self, context: BrowserContext, pod: Pod, origin: str) -> None:
        """`origin`: the pod's public address."""
        self.context, self.pod, self.origin = context, pod, origin
        self.mine = context.new_page()
        self.numbers = itertools.count()
        self.login_time = 0.0

    def attack_from(self, site: str) -> dict[str, str]:
        """Try everything from a page of `site`; what each attack that succeeded did."""
        self.context.clear_cookies()
        self.log_in()
        page = self.context.new_page()
        page.goto(site)
        self.login_is_good = True
        names = [("attacks", name) for name in page.evaluate("Object.keys(attacks)")]
        names += [("departures", name) for name in page.evaluate("Object.keys(departures)")]
        self.tried = [name for _, name in names]
        self._set_up()
        at_first = self._state()
        successes = {}
        for kind, name in names:
            done = self._attempt(page, site, kind, name)
            if done:
                successes[name] = "; ".join(done)
        page.close()
        if not successes and self._state() != at_first:
            successes["one of them"] = "had a late effect"
        return successes

    def logged_in(self) -> bool:
        """Whether the user's own tab still has a login."""
        answer = self.mine.goto(f"{self.origin}/api/me")
        return answer is not None and answer.status == 200

    # -- one attempt

    def _attempt(self, page: Page, site: str, kind: str, name: str) -> list[str]:
        at = self._set_up()
        before = self._state()
        if kind == "attacks":
            told = page.evaluate(f"at => attacks[{json.dumps(name)}](at)", at)
            framed = any(frame.url.startswith(f"{self.origin}/lab") for frame in page.frames)
        else:
            framed = False
            with page.expect_navigation():
                page.evaluate(f"at => {{ departures[{json.dumps(name)}](at) }}", at)
            told = {}
            page.goto(site)
        return self._judge(told, before) + ["shows the page in a frame"] * framed

    def _judge(self, told: dict[str, Any], before: State) -> list[str]:
        after = self._state()
        done = [
            f"changed {field.name}"
            for field in dataclasses.fields(State)
            if getattr(before, field.name) != getattr(after, field.name)
        ]
        if told.get("opened"):
            done.append("opened a connection")
        read = told.get("read") or ""
        done += [f"read {what}" for what, text in self._secrets().items() if text in read]
        self.login_is_good = self.logged_in()
        if not self.login_is_good:
            done.append("logged the user out")
        return done

    def _secrets(self) -> dict[str, str]:
        return {"the token": self.pod.token, "a file": SECRET, "a listing": VICTIM}

    def _set_up(self) -> dict[str, str]:
        """The pod as it was before the last attempt, whatever that did; what the attacker is given to know."""
        name = f"loot{next(self.numbers)}"
        (self.pod.root / VICTIM).write_text(SECRET)
        (self.pod.root / "script.js").write_text(f"window.stolen = {SECRET!r};")
        if not self.login_is_good:
            self.context.clear_cookies()
            self.log_in()
        terminals = self.pod.api("GET", "/api/terminals") or [self.pod.api("POST", "/api/terminals")]
        kernels = self.pod.api("GET", "/api/kernels") or [self.pod.api("POST", "/api/kernels", {})]
        assert time.monotonic() - self.login_time < LAX_POST_WINDOW, "too slow to test the two-minute window"
        return {
            "pod": self.origin,
            "name": name,
            "victim": VICTIM,
            "proof": str(self.pod.root / f"{name}.proof"),
            "terminal": terminals[0]["name"],
            "kernel": kernels[0]["id"],
            "cookie": self._cookie_name(),
        }

    def log_in(self) -> None:
        """Through the URL with the token, as from the log."""
        self.mine.goto(f"{self.origin}/tree?token={self.pod.token}")
        self.login_time = time.monotonic()
        assert self.logged_in()

    def _cookie_name(self) -> str:
        names = {cookie["name"] for cookie in self.context.cookies(self.origin)}
        (name,) = {name for name in names if name.startswith("__Host-podkeeper-")}
        return name

    def _state(self) -> State:
        status = wait_until(self._status, 30, "the pod answers")

        def ids(path: str, key: str) -> set[str]:
            return {each[key] for each in self.pod.api("GET", path)}

        return State(
            files=contents(self.pod.root),
            terminals=ids("/api/terminals", "name"),
            kernels=ids("/api/kernels", "id"),
            sessions=ids("/api/sessions", "id"),
            started=status["started"],
        )

    def _status(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self.pod.api("GET", "/api/status")
        except (OSError, Starting):
            return {}
        return answer


def contents(root: pathlib.Path) -> dict[str, bytes]:
    """Every file under `root`, by its path; JupyterLab itself writes to `.jupyter` (workspaces, settings)."""
    files = (path for path in root.rglob("*") if path.is_file() and ".jupyter" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}
