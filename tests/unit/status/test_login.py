"""Who may use the status server, behind the door and without one."""

import pytest

from entrypoint.door.pass_through import DOOR_HEADER
from entrypoint.status.login import Login

HOST = "localhost:8190"
BEHIND, DIRECT, OPEN = Login("s3cret", "the-token"), Login(None, "the-token"), Login(None, None)
UNREADABLE = (Login("", "the-token"), Login("", None), Login(None, ""))


@pytest.mark.parametrize(
    ("login", "host", "headers", "refusal"),
    [
        (BEHIND, HOST, {DOOR_HEADER: "s3cret"}, 0),
        (BEHIND, "any.example", {DOOR_HEADER: "s3cret", "Origin": "https://evil.example"}, 0),  # the door has decided
        (BEHIND, HOST, {DOOR_HEADER: "guessed"}, 401),
        (BEHIND, HOST, {"Authorization": "Bearer the-token"}, 401),
        (DIRECT, HOST, {"Authorization": "Bearer the-token"}, 0),
        (DIRECT, HOST, {}, 401),
        (DIRECT, HOST, {DOOR_HEADER: "s3cret"}, 401),
        (DIRECT, HOST, {"Authorization": "Bearer the-token", "Origin": "http://localhost:1"}, 403),
        (DIRECT, "my.example", {"Authorization": "Bearer the-token"}, 0),
        (OPEN, HOST, {}, 0),
        (OPEN, "evil.example", {}, 403),
    ],
)
def test_who_is_let_in(login: Login, host: str, headers: dict[str, str], refusal: int) -> None:
    assert login.refusal("GET", "/status.json", host, headers) == refusal


@pytest.mark.parametrize("login", UNREADABLE)
@pytest.mark.parametrize("guess", ["", "?", "None"])
def test_a_secret_that_could_not_be_read_lets_no_request_in(login: Login, guess: str) -> None:
    for headers in ({DOOR_HEADER: guess}, {"Authorization": f"Bearer {guess}"}, {}):
        assert login.refusal("GET", "/status.json", HOST, headers) == 401
