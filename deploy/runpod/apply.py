#!/usr/bin/env python3
"""A: creates the RunPod template, or updates the one of the same name: deploy/runpod/apply.py IMAGE [--apply].

Says what it would do; does it with --apply. The key is RUNPOD_API_KEY and is never shown. What an update finds in the
template and template.json knows nothing of, such as variables added in the console, stays.

REST API: https://docs.runpod.io/api-reference/templates/POST/templates (read November 2026; never tried with a key).
Exit codes are those of sysexits.h.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

API = "https://rest.runpod.io/v1"
TEMPLATE = Path(__file__).with_name("template.json")
#: Seconds one request may wait for an answer.
TIMEOUT = 30.0
#: What a template is created with and can't change later.
FIXED = ("category", "isServerless")
EX_USAGE, EX_DATAERR, EX_UNAVAILABLE, EX_NOPERM, EX_CONFIG = 64, 65, 69, 77, 78


class Failed(Exception):
    """It can't be done; `code` is the exit code, the message one line for the user."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Api:
    """RunPod's REST API, as far as templates go."""

    def __init__(self, base: str, key: str, timeout: float) -> None:
        host = urllib.parse.urlsplit(base)
        if host.scheme != "https" and host.hostname not in ("127.0.0.1", "localhost"):
            raise Failed(EX_CONFIG, f"cannot use RUNPOD_API_URL={base!r}: the key goes over https only")
        self._base, self._key, self._timeout = base.rstrip("/"), key, timeout
        self._opener = urllib.request.build_opener(NoRedirects)

    def templates(self) -> list[dict[str, Any]]:
        """The account's own templates."""
        found = self._ask("GET", "/templates")
        if not isinstance(found, list):
            raise Failed(EX_UNAVAILABLE, "RunPod's answer to GET /templates is no list")
        return [each for each in found if isinstance(each, dict)]

    def create(self, template: dict[str, Any]) -> dict[str, Any]:
        return dict(self._ask("POST", "/templates", template))

    def update(self, template_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        return dict(self._ask("PATCH", f"/templates/{urllib.parse.quote(template_id, safe='')}", fields))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, headers, method=method)  # noqa: S310 - see __init__
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise self._refused(method, path, error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error) or type(error).__name__
            raise Failed(EX_UNAVAILABLE, f"no answer to {method} {path}: {reason}; {_again(method)}") from None
        except ValueError:
            raise Failed(EX_UNAVAILABLE, f"the answer to {method} {path} is no JSON; {_again(method)}") from None

    def _refused(self, method: str, path: str, error: urllib.error.HTTPError) -> Failed:
        said = error.read(500).decode(errors="replace").replace(self._key, "***")
        said = " ".join(said.split())[:300]
        if error.code in (401, 403):
            return Failed(EX_NOPERM, f"RunPod refuses the key ({error.code}): make one that may write templates")
        if error.code == 404:
            return Failed(EX_UNAVAILABLE, f"{method} {path}: not found; it was deleted meanwhile, run this again")
        code = EX_DATAERR if 400 <= error.code < 500 else EX_UNAVAILABLE
        return Failed(code, f"RunPod answers {error.code} to {method} {path}: {said}")


def _again(method: str) -> str:
    """A creation may have happened all the same; the next run finds it by its name."""
    return "run this again: it updates what was made" if method == "POST" else "run this again"


def matching(templates: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """The template of this name, if there is one."""
    found = [each for each in templates if each.get("name") == name]
    if len(found) > 1:
        ids = ", ".join(str(each.get("id")) for each in found)
        raise Failed(EX_DATAERR, f"there are several templates called {name!r} ({ids}): delete all but one")
    return found[0] if found else None


def changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The fields an update has to send. Variables of the old one are kept: set in the console."""
    wanted = {field: value for field, value in new.items() if field not in FIXED}
    wanted["env"] = {**new["env"], **(old.get("env") or {})}
    return {field: value for field, value in wanted.items() if (old.get(field) or None) != (value or None)}


def shown(fields: dict[str, Any]) -> str:
    """For the eye: values of variables may be logins."""
    hidden = {**fields, **({"env": dict.fromkeys(fields["env"], "***")} if "env" in fields else {})}
    return json.dumps(hidden, indent=2, ensure_ascii=False)


def run(image: str, apply: bool, environ: dict[str, str]) -> None:
    """Create or update; without `apply` say what would be done.

    Raises:
        Failed: It can't be done.
    """
    template = {**json.loads(TEMPLATE.read_text(encoding="utf-8")), "imageName": image}
    key = environ.get("RUNPOD_API_KEY", "").strip()
    if not key and apply:
        raise Failed(EX_CONFIG, "RUNPOD_API_KEY is not set: make a key in RunPod's console, Settings, API keys")
    if not key:
        print(f"without RUNPOD_API_KEY this can't look whether it exists; a new one would be:\n{shown(template)}")
        return
    api = Api(environ.get("RUNPOD_API_URL", API), key, float(environ.get("RUNPOD_API_TIMEOUT", TIMEOUT)))
    old = matching(api.templates(), template["name"])
    fields = template if old is None else changes(old, template)
    if not fields:
        print(f"template {template['name']!r} is as it should be")
    elif not apply:
        what = "create" if old is None else f"update {old['id']}"
        print(f"would {what} (--apply does it):\n{shown(fields)}")
    elif old is None:
        print(f"created {api.create(fields).get('id')}")
    else:
        api.update(str(old["id"]), fields)
        print(f"updated {old['id']}: {', '.join(sorted(fields))}")


def main() -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(description="Create or update the RunPod template.")
    parser.add_argument("image", metavar="IMAGE", help="ghcr.io/you/podkeeper:1.2.3")
    parser.add_argument("--apply", action="store_true", help="do it; without this it only says what it would do")
    arguments = parser.parse_args()
    try:
        run(arguments.image, arguments.apply, dict(os.environ))
    except Failed as error:
        print(f"apply: {error}", file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
