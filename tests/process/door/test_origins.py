"""Requests of foreign pages: the gateway and JupyterLab's guard decide every case alike."""

from collections.abc import Iterator

import pytest
from tornado.httputil import HTTPHeaders

from entrypoint.door.origins import is_foreign, own_origins
from entrypoint.settings.settings import Settings
from tests.support.door.origin_cases import CASES, LISTED, Case, for_port
from tests.support.door.running_door import Scene, running

SETTINGS = {"RUNPOD_POD_ID": "abc123", "JUPYTER_ALLOWED_ORIGINS": LISTED}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("rules") / "pod", SETTINGS) as made:
        yield made


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("open") / "pod", SETTINGS | {"COMFYUI_AUTH": "none"}) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_jupyterlabs_guard(case: Case) -> None:
    case = for_port(case, 8188)
    settings = Settings.from_environ(SETTINGS)
    origins = own_origins(settings, settings.comfyui_port)
    assert is_foreign(case.method, case.host, HTTPHeaders(case.headers), origins) is case.foreign


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_gateway_lets_a_cookie_count_on_its_own_pages_only(case: Case, door: Scene) -> None:
    case = for_port(case, door.port)
    cookie = door.ask("/podkeeper/login", {"Authorization": f"Bearer {door.token}"}, "POST").cookie
    answer = door.ask("/queue", {"Host": case.host, "Cookie": cookie, **case.headers}, case.method)
    assert answer.status == (401 if case.foreign else 200)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_without_a_login_foreign_pages_are_refused_all_the_same(case: Case, open_door: Scene) -> None:
    case = for_port(case, open_door.port)
    answer = open_door.ask("/queue", {"Host": case.host, **case.headers}, case.method)
    assert answer.status == (403 if case.foreign else 200)
