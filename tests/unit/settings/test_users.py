"""PUID, PGID, RUN_AS and UMASK as tables."""

import pytest

from entrypoint.settings import users
from entrypoint.settings.users import Identity, file_owner, not_honoured, service_identity

ROOT, USER = Identity(0, 0), Identity(1000, 1000)


@pytest.mark.parametrize(
    ("run_as", "puid", "pgid", "own", "expected"),
    [
        ("", "", "", ROOT, ROOT),
        ("", "1000", "", ROOT, Identity(1000, 1000)),
        ("", "1000", "100", ROOT, Identity(1000, 100)),
        ("", "", "100", ROOT, Identity(0, 100)),
        ("1000:100", "", "", ROOT, Identity(1000, 100)),
        ("1000", "", "", ROOT, Identity(1000, 1000)),
        ("0:0", "1000", "1000", ROOT, ROOT),
        # a pod under --user stays who it is
        ("", "", "", USER, USER),
        ("2000", "", "", USER, USER),
        ("", "2000", "", Identity(1000, 0), Identity(1000, 0)),
    ],
)
def test_the_services_user(run_as: str, puid: str, pgid: str, own: Identity, expected: Identity) -> None:
    assert service_identity(run_as, puid, pgid, own) == expected


def test_the_owner_of_the_files() -> None:
    assert file_owner("1000", "100", ROOT) == Identity(1000, 100)
    assert file_owner("", "", USER) == USER


@pytest.mark.parametrize(
    ("run_as", "puid", "own", "told"),
    [
        ("1000:1000", "", ROOT, ""),
        ("", "1000", USER, ""),
        ("1000", "", USER, ""),
        ("", "", USER, ""),
        ("2000", "", USER, "RUN_AS asks for uid 2000"),
        ("", "2000", USER, "PUID asks for uid 2000"),
    ],
)
def test_a_pod_that_is_not_root_reports_the_user_it_cannot_become(
    run_as: str, puid: str, own: Identity, told: str
) -> None:
    condition = not_honoured(run_as, puid, own)
    assert (condition.reason if condition else "").startswith(told)
    assert bool(condition) == bool(told)


@pytest.mark.parametrize("text", ["0", "1000", "4294967294"])
def test_good_ids(text: str) -> None:
    assert users.user_id(text) == text


@pytest.mark.parametrize("text", ["-1", "root", "4294967295", "1e3", "\u0663", "1 000"])
def test_bad_ids(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        users.user_id(text)


@pytest.mark.parametrize("text", ["1000:1000", "0:0", "1000"])
def test_good_run_as(text: str) -> None:
    assert users.run_as(text) == text


@pytest.mark.parametrize("text", ["jovyan", "1000:", ":1000", "1000:users", "1:2:3"])
def test_bad_run_as(text: str) -> None:
    with pytest.raises(ValueError, match="uid:gid"):
        users.run_as(text)


@pytest.mark.parametrize("text", ["0", "002", "0022", "077"])
def test_good_umasks(text: str) -> None:
    assert users.umask(text) == text


@pytest.mark.parametrize("text", ["u=rwx", "9", "00022", "1022", "777", "-1", "0o22"])
def test_bad_umasks(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        users.umask(text)
