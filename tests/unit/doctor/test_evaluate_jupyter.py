"""The doctor's findings about JupyterLab."""

from typing import Any

import pytest

from entrypoint.doctor import evaluate_jupyter
from tests.support.attached_pod import pod


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ({"api": 403}, "ServerApp.allow_remote_access is not in effect"),
        ({"any_origin": False}, "ServerApp.allow_origin is not in effect"),
        ({"upload": 403}, "ServerApp.disable_check_xsrf is not in effect"),
        ({"without_login": 200}, "JupyterLab accepts requests without the token"),
        ({"foreign_page": 200}, "the origin guard is not in effect"),
        ({"token": 403}, "JupyterLab refuses this pod's token"),
        ({"own_page": 403}, "JupyterLab refuses the login cookie"),
        ({"upload": 507, "upload_by_token": 507}, "JupyterLab refuses an upload (507)"),
    ],
)
def test_the_servers_behaviour_shows_which_setting_is_not_in_force(statuses: dict[str, Any], words: str) -> None:
    healthy = {
        "api": 200, "any_origin": True, "without_login": 403, "token": 200, "cookie": "__Host-podkeeper",
        "host": "x", "own_page": 200, "rewritten_host": {}, "foreign_page": 403, "upload": 201,
        "upload_by_token": 201,
    }  # fmt: skip
    assert [each.state for each in evaluate_jupyter.server(healthy, pod())] == ["ok"]
    findings = evaluate_jupyter.server(healthy | statuses, pod())
    assert words in findings[0].text
    assert findings[0].state == "failed"
