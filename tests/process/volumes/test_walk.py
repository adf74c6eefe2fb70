"""The deep pass on real file systems."""

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from entrypoint.settings.volume_policy import GROUP, OWNER, SHARED, TOP
from entrypoint.volumes.counts import DISCONNECTED_LIMIT, REFUSED_LIMIT
from entrypoint.volumes.rules import Rule
from entrypoint.volumes.syscalls import Kernel
from entrypoint.volumes.walk import Walk
from tests.support.checkout import ROOT
from tests.support.file_systems import (
    as_user,
    inodes,
    let_others_through,
    misbehaving,
    mounted,
    needs_fuse,
    needs_mount,
    needs_root,
)

EVERY_KERNEL = [(True, True), (True, False), (False, True), (False, False)]


def walk(
    top: Path,
    policy: str = SHARED,
    uid: int = 0,
    gid: int = 0,
    depth: int | None = None,
    kernel: Kernel | None = None,
    links_are_safe: bool | None = None,
    max_threads: int = 32,
) -> Walk:
    the_walk = Walk(
        Rule(str(top), policy, uid, gid, depth),
        kernel or Kernel(),
        threading.Event(),
        max_threads,
        links_are_safe,
    )
    the_walk.run()
    return the_walk


def mode(path: str | bytes | Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def make_file(path: Path, bits: int = 0o644) -> Path:
    path.write_bytes(b"")
    path.chmod(bits)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "volume"
    (top / "models" / "loras").mkdir(parents=True)
    for folder in (top, top / "models", top / "models" / "loras"):
        folder.chmod(0o755)
        make_file(folder / "file", 0o644)
        make_file(folder / "script", 0o755)
    return top


@pytest.mark.parametrize("switches", EVERY_KERNEL)
def test_shared_opens_all_files_and_makes_none_executable(tree: Path, switches: tuple[bool, bool]) -> None:
    """With and without openat2 and fchmodat2."""
    result = walk(tree, kernel=Kernel(*switches))
    assert [mode(tree / "models" / "loras" / name) for name in (".", "file", "script")] == [
        0o777,
        0o666,
        0o777,
    ]
    assert mode(tree) == 0o777
    assert (result.counts().files, result.counts().folders, result.counts().modes) == (6, 3, 9)
    assert result.errors.counts == {}


@pytest.mark.parametrize("policy", [TOP, OWNER, GROUP, SHARED])
def test_a_second_run_changes_nothing_and_writes_nothing(tree: Path, policy: str) -> None:
    walk(tree, policy, *((12345, 54321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())))
    before = inodes(tree)
    second = walk(tree, policy, *((12345, 54321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())))
    assert second.counts().changed == 0
    assert inodes(tree) == before


@pytest.mark.parametrize("private", [True, False])
def test_a_folder_no_other_user_can_write_to_gets_the_same_changes(tree: Path, private: bool) -> None:
    """The fast path (two system calls a file) has the same result."""
    for folder in (tree, tree / "models", tree / "models" / "loras"):
        folder.chmod(0o755 if private else 0o775)
    make_file(tree / "models" / "setuid", 0o4755)
    os.link(make_file(tree / "models" / "one", 0o600), tree / "models" / "two")
    make_file(tree / "models" / "server.pem", 0o600)
    result = walk(tree)
    found = {path.name: mode(path) for path in (tree / "models").iterdir()}
    assert found == {
        "file": 0o666,
        "script": 0o777,
        "loras": 0o777,
        "setuid": 0o4755,
        "one": 0o666,
        "two": 0o666,
        "server.pem": 0o600,
    }
    assert result.counts().left == {"set-id": 1, "private": 1}


@needs_root
def test_owner_changes_every_owner_but_those_of_set_id_files(tree: Path) -> None:
    make_file(tree / "setuid", 0o4755)
    walk(tree, OWNER, 1234, 4321)
    assert (os.stat(tree / "models" / "file").st_uid, os.stat(tree / "models").st_gid) == (1234, 4321)
    assert os.stat(tree / "setuid").st_uid == 0
    assert mode(tree / "setuid") == 0o4755


@needs_root
def test_group_makes_folders_pass_on_their_group(tree: Path) -> None:
    walk(tree, GROUP, 0, 4321)
    assert mode(tree / "models" / "loras") == 0o2775
    assert (mode(tree / "models" / "file"), os.stat(tree / "models" / "file").st_gid) == (0o664, 4321)


def test_top_opens_folders_of_the_first_level_only(tree: Path) -> None:
    (tree / ".cache").mkdir(mode=0o700)
    walk(tree, TOP, depth=1)
    assert [mode(tree / each) for each in (".", "models", "models/loras", "file", ".cache")] == [
        *(0o777, 0o777, 0o755, 0o644, 0o700)
    ]


STRANGE = [b"-R", b"new\nline", b"\xff\xfe invalid", b" ", b"--reference=x", b"a" * 255, b"\\040"]


@pytest.mark.parametrize("switches", EVERY_KERNEL)
def test_strange_names(tree: Path, switches: tuple[bool, bool]) -> None:
    for name in STRANGE:
        folder = os.path.join(os.fsencode(tree), b"models", name)
        os.mkdir(folder, 0o755)
        os.close(os.open(os.path.join(folder, name), os.O_CREAT, 0o644))
    result = walk(tree, kernel=Kernel(*switches))
    for name in STRANGE:
        folder = os.path.join(os.fsencode(tree), b"models", name)
        assert mode(folder) == 0o777
        assert mode(os.path.join(folder, name)) == 0o666
    assert result.errors.counts == {}


def test_links_and_special_files_are_left(tree: Path, tmp_path: Path) -> None:
    victim = make_file(tmp_path / "victim", 0o600)
    away = tmp_path / "away"
    away.mkdir(mode=0o700)
    (tree / "link").symlink_to(victim)
    (tree / "dangling").symlink_to("nowhere")
    (tree / "passwd").symlink_to("/etc/passwd")
    (tree / "folder-link").symlink_to(away)
    os.mkfifo(tree / "pipe", 0o600)
    passwd = os.stat("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "s"))
        bits = mode(tree / "s")
        walk(tree)
        assert mode(tree / "s") == bits
    assert [mode(victim), mode(away), mode(tree / "pipe")] == [0o600, 0o700, 0o600]
    assert os.stat("/etc/passwd") == passwd


def test_sticky_read_only_and_locked_files(tree: Path) -> None:
    for bits in (0o1644, 0o444, 0o400, 0o000):
        make_file(tree / f"{bits:o}", bits)
    walk(tree)
    assert [mode(tree / f"{bits:o}") for bits in (0o1644, 0o444, 0o400, 0o000)] == [
        0o1666,
        0o444,
        0o444,
        0o000,
    ]


def test_private_folders_are_never_entered(tree: Path) -> None:
    for name in (".ssh", ".gnupg", ".podkeeper", "lost+found"):
        (tree / name).mkdir(mode=0o700)
        make_file(tree / name / "secret", 0o600)
    walk(tree)
    assert {mode(tree / name / "secret") for name in (".ssh", ".gnupg", ".podkeeper", "lost+found")} == {0o600}
    assert mode(tree / ".podkeeper") == 0o700


@needs_root
def test_hard_links_are_left_where_any_user_can_make_them(tree: Path, tmp_path: Path) -> None:
    """fs.protected_hardlinks=0: a link to another user's file may have been planted."""
    victim = make_file(tmp_path / "victim", 0o600)
    os.link(victim, tree / "planted")
    result = walk(tree, uid=1000, links_are_safe=False)
    assert mode(victim) == 0o600
    assert result.counts().left == {"hard link": 1}


def test_access_control_lists_survive(tree: Path) -> None:
    file = tree / "models" / "file"
    try:
        subprocess.run(["setfacl", "-m", "u:4242:rw", str(file)], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("needs setfacl (package acl) and a file system with ACLs")
    walk(tree)
    listed = subprocess.run(["getfacl", "-cp", str(file)], capture_output=True, text=True, check=True).stdout
    assert "user:4242:rw-" in listed
    assert "other::rw-" in listed


def test_a_folder_of_sixty_thousand_files(tmp_path: Path) -> None:
    top = tmp_path / "many"
    top.mkdir()
    for number in range(60_000):
        os.close(os.open(top / str(number), os.O_CREAT, 0o600))
    assert walk(top).counts().modes == 60_001
    assert walk(top).counts().changed == 0


@pytest.mark.parametrize("switches", [(True, True), (False, False)])
def test_fifteen_hundred_levels_with_few_descriptors(tmp_path: Path, switches: tuple[bool, bool]) -> None:
    """`ulimit -n 64`, every level with two folders, so that every level is kept open or has to be reopened."""
    top = tmp_path / "deep"
    top.mkdir()
    at = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("side", 0o700, dir_fd=at)
        os.mkdir("z", 0o700, dir_fd=at)
        below = os.open("z", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    code = (
        "import resource, sys, threading\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "from entrypoint.volumes.syscalls import Kernel\n"
        "from entrypoint.volumes.rules import Rule\n"
        "from entrypoint.volumes.walk import Walk\n"
        f"walk = Walk(Rule({str(top)!r}, 'shared', 0, 0), Kernel(*{switches!r}), threading.Event())\n"
        "walk.run()\n"
        "assert not walk.errors.counts, walk.errors.counts\n"
        "assert (walk.counts().folders, walk.counts().modes) == (3001, 3001), walk.counts()\n"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE(os.fstat(at).st_mode) == 0o777
    finally:
        os.close(at)
        subprocess.run(["rm", "-rf", str(top)], check=True)  # pytest's own clean-up recurses too deep


def test_no_descriptor_is_left_open(tree: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    walk(tree)
    assert len(os.listdir("/proc/self/fd")) == before


def test_files_that_vanish_are_no_errors(tree: Path) -> None:
    """Other processes delete files during the pass."""
    crowd = tree / "models" / "crowd"
    crowd.mkdir()
    for number in range(3000):
        make_file(crowd / str(number), 0o600)

    def remove() -> None:
        for number in range(3000):
            (crowd / str(number)).unlink()

    remover = threading.Thread(target=remove)
    remover.start()
    result = walk(tree)
    remover.join()
    assert result.errors.counts == {}


def test_git_stays_clean_and_pulls_after_shared(tmp_path: Path) -> None:
    """777 marks every tracked file as modified, and `git pull` in a custom node then refuses."""
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.com"}

    def git(where: Path, *words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(where), *words], env=environ, check=True, capture_output=True, text=True
        ).stdout

    origin, node = tmp_path / "origin", tmp_path / "node"
    git(tmp_path, "init", "-q", "-b", "main", str(origin))
    make_file(origin / "node.py", 0o644)
    make_file(origin / "run.sh", 0o755)
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "one")
    git(tmp_path, "clone", "-q", str(origin), str(node))
    assert walk(node).counts().modes > 5
    assert git(node, "status", "--porcelain") == ""
    (origin / "node.py").write_text("changed")
    git(origin, "commit", "-qam", "two")
    git(node, "pull", "-q")
    assert (node / "node.py").read_text() == "changed"
    # the negative control: the usual command
    subprocess.run(["chmod", "-R", "777", str(node)], check=True)
    assert "node.py" in git(node, "status", "--porcelain")


@needs_mount
@pytest.mark.parametrize("switches", EVERY_KERNEL)
def test_other_mounts_are_not_entered(tree: Path, tmp_path: Path, switches: tuple[bool, bool]) -> None:
    """A tmpfs, a bind mount of the same file system (same st_dev), and a single file mounted over another."""
    away = tmp_path / "away"
    away.mkdir(mode=0o700)
    make_file(away / "secret", 0o600)
    victim = make_file(tmp_path / "victim", 0o600)
    (tree / "bound").mkdir()
    make_file(tree / "models" / "over", 0o600)
    with (
        mounted("-t", "tmpfs", "-o", "mode=700", "tmpfs", at=tree / "models" / "tmpfs") as tmpfs,
        mounted("--bind", str(away), at=tree / "bound"),
        mounted("--bind", str(victim), at=tree / "models" / "over"),
    ):
        make_file(tmpfs / "secret", 0o600)
        result = walk(tree, kernel=Kernel(*switches))
        assert [mode(away), mode(away / "secret"), mode(victim)] == [0o700, 0o600, 0o600]
        assert [mode(tmpfs), mode(tmpfs / "secret")] == [0o700, 0o600]
        assert result.counts().other_mounts == 3
        assert mode(tree / "models" / "file") == 0o666


@needs_mount
def test_a_read_only_volume_trips_the_breaker(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "tmpfs", at=tmp_path / "volume") as volume:
        for number in range(200):
            make_file(volume / str(number), 0o600)
        subprocess.run(["mount", "-o", "remount,ro", str(volume)], check=True)
        result = walk(volume)
        assert result.errors.tripped == "chmod: EROFS"
        assert result.errors.total < REFUSED_LIMIT + 5


@needs_root
def test_a_user_changes_own_files_and_counts_the_others(tree: Path) -> None:
    """Every foreign file is counted, and the pass continues."""
    mine = tree / "mine"
    mine.mkdir()
    make_file(mine / "file", 0o600)
    for path in (tree, mine, mine / "file"):
        os.chown(path, 1000, 1000)
    let_others_through(tree)

    def work() -> None:
        result = walk(tree)
        assert result.errors.counts == {"chmod: EPERM": 8}
        assert result.counts().modes == 3

    (tree / "models" / "loras").chmod(0o755)
    as_user(1000, work)
    assert mode(mine / "file") == 0o666


@needs_root
def test_a_user_opens_an_own_locked_folder(tmp_path: Path) -> None:
    """Mode 0: the folder must be changed before it can be listed."""
    locked = tmp_path / "volume" / "models" / "locked"
    locked.mkdir(parents=True)
    make_file(locked / "file", 0o200)
    subprocess.run(["chown", "-R", "1000:1000", str(tmp_path / "volume")], check=True)
    locked.chmod(0)
    let_others_through(tmp_path)

    def work() -> None:
        walk(tmp_path / "volume", OWNER, 1000, 1000)

    as_user(1000, work)
    assert [mode(locked), mode(locked / "file")] == [0o700, 0o600]


@needs_root
def test_root_without_capabilities_counts_refused_changes(tree: Path) -> None:
    """docker run --cap-drop ALL."""
    subprocess.run(["chown", "-R", "1000:1000", str(tree / "models")], check=True)
    code = (
        "import threading\n"
        "from entrypoint.volumes.syscalls import Kernel\n"
        "from entrypoint.volumes.rules import Rule\n"
        "from entrypoint.volumes.walk import Walk\n"
        f"walk = Walk(Rule({str(tree)!r}, 'shared', 0, 0), Kernel(), threading.Event())\n"
        "walk.run()\n"
        "assert walk.errors.counts == {'chmod: EPERM': 6}, walk.errors.counts\n"
    )
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert mode(tree) == 0o777


@needs_fuse
def test_a_server_that_refuses_chown_trips_the_breaker(passthrough: Path, tmp_path: Path) -> None:
    """Root squash: one line, not one for each of a million files."""
    source = tmp_path / "source"
    source.mkdir()
    for number in range(300):
        make_file(source / str(number), 0o600)
    with misbehaving(passthrough, source, tmp_path / "volume") as mount:
        mount.set(mount.CHOWN, 1)  # EPERM
        result = walk(mount.folder, OWNER, 1000, 1000)
        assert result.errors.tripped == "chown: EPERM"
        assert result.errors.total < REFUSED_LIMIT + 32
        mount.set(mount.CHOWN, 0)
        assert walk(mount.folder, OWNER, 1000, 1000).counts().owners == 301
    assert os.stat(source / "7").st_uid == 1000


@needs_fuse
def test_some_refusals_among_successes_do_not_stop_a_pass(passthrough: Path, tmp_path: Path) -> None:
    """A volume that takes modes but no owners, under a policy that needs no owners."""
    source = tmp_path / "source"
    source.mkdir()
    for number in range(300):
        make_file(source / str(number), 0o600)
    with misbehaving(passthrough, source, tmp_path / "volume") as mount:
        mount.set(mount.CHOWN, 1)
        assert walk(mount.folder, SHARED).counts().modes == 301


@needs_fuse
def test_a_disconnected_volume_ends_the_pass(passthrough: Path, tmp_path: Path) -> None:
    """ENOTCONN for ever: a pass must not count a million of them."""
    source = tmp_path / "source"
    for number in range(100):
        (source / str(number)).mkdir(parents=True)
    with misbehaving(passthrough, source, tmp_path / "volume") as mount:
        the_walk = Walk(Rule(str(mount.folder), SHARED, 0, 0), Kernel(), threading.Event())
        gone = False

        def kill_the_server() -> None:
            nonlocal gone
            if not gone and the_walk.counts().folders > 10:
                gone = True
                mount.process.kill()

        the_walk.run(kill_the_server)
        if gone and the_walk.counts().folders < 101 - 2 * DISCONNECTED_LIMIT:  # of opening, and of reading
            assert the_walk.errors.tripped.endswith("ENOTCONN")
        mount.process.kill()
        mount.process.wait()
        with pytest.raises(OSError, match="not connected"):
            walk(mount.folder)


@needs_fuse
def test_a_slow_volume_gets_more_threads(passthrough: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(60):
        (source / str(number)).mkdir(parents=True)
        for each in range(10):
            make_file(source / str(number) / str(each), 0o600)
    with misbehaving(passthrough, source, tmp_path / "volume", delay_us=3000) as mount:
        the_walk = Walk(Rule(str(mount.folder), SHARED, 0, 0), Kernel(), threading.Event())
        parallel: list[bool] = []
        the_walk.run(lambda: parallel.append(the_walk.parallel))
        assert any(parallel)
        assert the_walk.counts().modes == 661
        assert the_walk.errors.counts == {}
        assert walk(mount.folder).counts().changed == 0
