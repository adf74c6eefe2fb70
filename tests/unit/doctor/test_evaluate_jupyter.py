"""The doctor's findings about JupyterLab."""

from typing import Any

import pytest

from entrypoint.doctor import evaluate_jupyter
from tests.support.attached_pod import pod


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ({"api": 403}, "ServerApp.allow_remote_access does not hold"),
        ({"any_origin": False}, "ServerApp.allow_origin does not hold"),
        ({"cookie": "podkeeper-login"}, "ServerApp.trust_xheaders does not hold"),
        ({"upload": 403}, "ServerApp.disable_check_xsrf does not hold"),
        ({"without_login": 200}, "everybody gets in"),
        ({"foreign_page": 200}, "the origin guard does not hold"),
        ({"token": 403}, "the token of this pod is refused"),
        ({"own_page": 403}, "the login's cookie is not accepted"),
        ({"upload": 507, "upload_by_token": 507}, "an upload is refused (507)"),
    ],
)
def test_the_servers_behaviour_shows_which_setting_is_not_in_force(statuses: dict[str, Any], words: str) -> None:
    well = {
        "api": 200, "any_origin": True, "without_login": 403, "token": 200, "cookie": "__Host-podkeeper",
        "host": "x", "own_page": 200, "rewritten_host": {}, "foreign_page": 403, "upload": 201,
        "upload_by_token": 201,
    }  # fmt: skip
    assert [v.state for v in evaluate_jupyter.server(well, pod())] == ["ok"]
    verdicts = evaluate_jupyter.server(well | statuses, pod())
    assert words in verdicts[0].text
    assert verdicts[0].state == "failed"
