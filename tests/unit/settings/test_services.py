"""What derives from a service's row: its address, with the login where its page asks for one."""

import pytest

from entrypoint.settings.services import PROGRAMS, SERVICES, service_named
from entrypoint.settings.settings import Settings


@pytest.mark.parametrize(
    ("settings", "jupyter", "comfyui"),
    [
        (Settings(), True, True),
        (Settings(jupyter_auth="none"), False, True),
        (Settings(comfyui_auth="none"), True, False),
        (Settings(jupyter_auth="none", comfyui_auth="none"), False, False),
        (Settings(comfyui_internal_port=8188), True, False),  # no gateway asks for it
    ],
)
def test_an_address_has_the_login_where_its_own_page_asks_for_one(
    settings: Settings, jupyter: bool, comfyui: bool
) -> None:
    assert ("token=tok" in service_named("jupyter").url(settings, "tok")) == jupyter
    assert ("token=tok" in service_named("comfyui").url(settings, "tok")) == comfyui


def test_a_service_without_a_page_has_no_address() -> None:
    assert service_named("gateway").address(Settings()) == service_named("gateway").url(Settings(), "tok") == ""


def test_names_and_log_files_are_unique() -> None:
    for attribute in ("name", "log_file"):
        assert len({getattr(program, attribute) for program in PROGRAMS}) == len(PROGRAMS)
    assert all(service.tile is None or service.page for service in SERVICES)
