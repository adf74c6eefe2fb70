"""How the prober ends a service: nginx has a user of its own, and the prober may be the services' user."""

from pathlib import Path
from typing import Any

import psutil
import pytest

from entrypoint.supervision.exits import Reason
from entrypoint.supervision.prober import watch
from entrypoint.supervision.prober.targets import ProbeConfig, Target

GATEWAY = Target("gateway", 1, "/", 1.0, "TERM", 1.0, True, 0, False)


def test_supervisord_kills_what_the_prober_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def refuse(*_: object) -> None:
        raise PermissionError(1, "another user's")

    monkeypatch.setattr("entrypoint.system.process_tree.end", refuse)
    monkeypatch.setattr("entrypoint.system.supervisord_rpc.call", lambda *arguments, **_: calls.append(arguments))
    probed = watch.Watch(GATEWAY, ProbeConfig(), watch.Folders(str(tmp_path), str(tmp_path)))
    probed._kill(psutil.Process(), Reason("hang", "hung"))
    assert calls == [(f"{tmp_path}/supervisor.sock", "supervisor.signalProcess", "gateway", "KILL")]
