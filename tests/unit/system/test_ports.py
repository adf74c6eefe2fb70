"""Waiting for a TCP port to be free."""

import socket

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.system import ports


def test_a_taken_port_is_a_condition_and_a_free_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PATIENCE", 0.1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotDo) as caught:
            ports.wait_for_port(port, "ComfyUIPortTaken", "COMFYUI_PORT")
        assert caught.value.condition.name == "ComfyUIPortTaken"
        assert str(port) in caught.value.condition.reason
        assert "COMFYUI_PORT" in caught.value.condition.remedy
    ports.wait_for_port(port, "ComfyUIPortTaken", "COMFYUI_PORT")
