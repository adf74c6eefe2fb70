"""The launcher's tiles."""

from typing import Any

from entrypoint.jupyter.tiles import description, tiles
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings


def test_comfyui_and_the_status_page_have_tiles_where_they_run() -> None:
    assert [service.name for service in tiles(Settings())] == ["comfyui", "status"]
    for service in tiles(Settings()):
        switched_off: dict[str, Any] = {f"{service.name}_enabled": False}
        assert service not in tiles(Settings(**switched_off))


def test_a_tile_opens_the_services_own_port_and_a_proxy_only_where_asked_for() -> None:
    comfyui = service_named("comfyui")
    assert description(comfyui, Settings())["path"] == "podkeeper/open/comfyui"
    assert description(comfyui, Settings(jupyter_tiles="proxy"))["path"] == "podkeeper/comfyui/"
    no_door = Settings(jupyter_tiles="proxy", comfyui_internal_port=8188)
    assert description(comfyui, no_door)["path"] == "podkeeper/open/comfyui"
