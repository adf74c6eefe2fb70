"""The pod's own origins and names."""

from entrypoint.door.origins import own_names, own_origins
from entrypoint.settings.settings import Settings

SETTINGS = Settings(pod_id="abc123", allowed_origins=("https://mine.example", "http://10.0.0.1:81"))


def test_own_origins_are_the_proxys_this_machines_and_the_users() -> None:
    assert own_origins(SETTINGS, 8190) == [
        "https://abc123-8190.proxy.runpod.net", "http://localhost:8190", "http://127.0.0.1:8190",
        "http://[::1]:8190", "https://mine.example", "http://10.0.0.1:81",
    ]  # fmt: skip


def test_own_names_are_the_proxys_the_users_and_the_machines() -> None:
    assert own_names(SETTINGS, 8190, "Pod-1") == ["abc123-8190.proxy.runpod.net", "mine.example", "pod-1"]
