"""The token and the cookie secret: their source, file and mode."""

import os
import pathlib
import stat

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.door.login import COMFYUI_AUTH_OFF, check_login_enabled, check_token, prepare_login
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity

ME = Identity(os.geteuid(), os.getegid())


@pytest.fixture
def paths(tmp_path: pathlib.Path) -> Paths:
    for name in ("data", "run"):
        (tmp_path / name).mkdir()
    base = str(tmp_path)
    return Paths(
        data=f"{base}/data", stored=f"{base}/data", volume="", log=f"{base}/log", home=f"{base}/home",
        runtime=f"{base}/run", python="/usr/bin/python3", kept_secrets=f"{base}/login",
        models_state=f"{base}/data/.podkeeper", packages="/nonexistent/packages",
    )  # fmt: skip


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def read(path: str) -> str:
    return pathlib.Path(path).read_text()


def test_a_made_token_is_kept_and_survives_the_next_start(paths: Paths) -> None:
    prepare_login(Settings(), paths, ME)
    first, secret = read(paths.token_file), read(paths.cookie_secret_file)
    assert len(first) == len(secret) == 43
    assert first != secret
    for name in ("jupyter_token", "jupyter_cookie_secret"):
        os.unlink(f"{paths.runtime}/{name}")  # the container's disk is wiped
    prepare_login(Settings(), paths, ME)
    assert (read(paths.token_file), read(paths.cookie_secret_file)) == (first, secret)


def test_secrets_are_for_the_owner_only(paths: Paths) -> None:
    prepare_login(Settings(), paths, ME)
    kept = [f"{paths.kept_secrets}/{name}" for name in ("jupyter_token", "jupyter_cookie_secret")]
    for path in (paths.token_file, paths.cookie_secret_file, *kept):
        assert mode(path) == 0o600, path
    assert mode(paths.kept_secrets) == 0o700


def test_the_users_token_is_used_as_it_is_and_not_kept_on_the_volume(paths: Paths) -> None:
    prepare_login(Settings(jupyter_token="mine"), paths, ME)
    assert read(paths.token_file) == "mine"
    assert not os.path.exists(f"{paths.kept_secrets}/jupyter_token")


@pytest.mark.parametrize("torn", ["", "short", "x" * 44, "two words" + "x" * 34])
def test_a_truncated_kept_token_is_replaced(torn: str, paths: Paths) -> None:
    os.mkdir(paths.kept_secrets)
    pathlib.Path(paths.kept_secrets, "jupyter_token").write_text(torn)
    prepare_login(Settings(), paths, ME)
    assert len(read(paths.token_file)) == 43
    assert read(f"{paths.kept_secrets}/jupyter_token") == read(paths.token_file)


def test_a_token_that_the_volume_cannot_keep_is_a_condition_and_works(paths: Paths) -> None:
    pathlib.Path(paths.kept_secrets).write_text("a file is in the way")
    with pytest.raises(CannotDo) as caught:
        prepare_login(Settings(), paths, ME)
    assert caught.value.condition.name == "LoginNotKept"
    assert len(read(paths.token_file)) == 43


def test_a_login_that_is_off_is_reported_at_every_start() -> None:
    for _ in range(2):
        with pytest.raises(CannotDo) as caught:
            check_login_enabled("none", COMFYUI_AUTH_OFF)
        assert caught.value.condition.name == "ComfyUIAuthOff"
    check_login_enabled("token", COMFYUI_AUTH_OFF)


def test_a_service_without_a_login_leaves_the_other_service_its_token(paths: Paths) -> None:
    prepare_login(Settings(jupyter_auth="none"), paths, ME)
    assert len(read(paths.token_file)) == 43


def test_no_token_is_made_where_no_service_needs_one(paths: Paths) -> None:
    prepare_login(Settings(jupyter_auth="none", comfyui_auth="none"), paths, ME)
    assert not os.path.exists(paths.token_file)


@pytest.mark.parametrize(
    "token",
    ["", "x", "a7Kq9-tR2_vB4zL", "password", "Jupyter", "12345678", "changeme", "a" * 40, "abababababababab",
     "passwordpassword", "runpod-changeme-1", "0123456789abcdef", "MyJupyterPassword1", "1234567812345678"],
)  # fmt: skip
def test_a_token_that_can_be_guessed_is_reported_without_the_token(token: str) -> None:
    if not token:
        check_token(Settings())  # the pod makes one
        return
    with pytest.raises(CannotDo) as caught:
        check_token(Settings(jupyter_token=token))
    assert caught.value.condition.name == "WeakToken"
    assert token == "x" or token.lower() not in str(caught.value).lower().replace("jupyter_token", "")
    check_token(Settings(jupyter_token=token, jupyter_auth="none", comfyui_auth="none"))


@pytest.mark.parametrize("token", ["a7Kq9-tR2_vB4zLm", "correct-horse-battery-staple", "0f0f9b3c7d1e58a2"])
def test_a_long_token_is_not_reported(token: str) -> None:
    check_token(Settings(jupyter_token=token))
    check_token(Settings(jupyter_password=token))


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SERVICE = Identity(54321, 54321)


@needs_root
@pytest.mark.parametrize("kind", ["link", "theirs", "open", "file", "fifo"])
def test_another_users_folder_is_set_aside_and_the_login_made_anew(kind: str, paths: Paths) -> None:
    """Its owner would know the next login, or choose it; a link would have root read and write elsewhere."""
    victim = pathlib.Path(paths.runtime, "victim")
    victim.mkdir(mode=0o700)
    (victim / "jupyter_token").write_text("v" * 43)
    kept = pathlib.Path(paths.kept_secrets)
    if kind in ("theirs", "open"):
        kept.mkdir()
        (kept / "jupyter_token").write_text("k" * 43)
        os.chown(kept, 54321 if kind == "theirs" else 0, 0)
        kept.chmod(0o777 if kind == "open" else 0o700)
    if kind == "link":
        kept.symlink_to(victim)
    if kind == "file":
        kept.touch()
    if kind == "fifo":
        os.mkfifo(kept)
    with pytest.raises(CannotDo) as caught:
        prepare_login(Settings(), paths, SERVICE)
    assert caught.value.condition.name == "StateSetAside"
    assert read(paths.token_file) not in ("v" * 43, "k" * 43)
    assert (kept.lstat().st_uid, mode(paths.kept_secrets)) == (0, 0o700)
    assert [path.name for path in victim.iterdir()] == ["jupyter_token"]
    first = read(paths.token_file)
    prepare_login(Settings(), paths, SERVICE)
    assert read(paths.token_file) == first


@pytest.mark.parametrize("service", [ME, pytest.param(SERVICE, marks=needs_root)])
def test_the_login_of_an_earlier_version_moves_out_of_the_data_folder(service: Identity, paths: Paths) -> None:
    former = pathlib.Path(paths.stored, ".podkeeper")
    former.mkdir(mode=0o700)
    (former / "jupyter_token").write_text("t" * 43)
    (former / "jupyter_token").chmod(0o600)
    prepare_login(Settings(), paths, service)
    assert read(paths.token_file) == read(f"{paths.kept_secrets}/jupyter_token") == "t" * 43
    assert not (former / "jupyter_token").exists()


@needs_root
def test_a_former_login_that_another_user_could_have_written_is_not_used(paths: Paths) -> None:
    former = pathlib.Path(paths.stored, ".podkeeper")
    former.mkdir(mode=0o777)
    former.chmod(0o777)
    (former / "jupyter_token").write_text("t" * 43)
    prepare_login(Settings(), paths, SERVICE)
    assert read(paths.token_file) != "t" * 43
