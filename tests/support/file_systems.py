"""Other users, temporary mounts, and a FUSE file system that misbehaves."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator

import pytest

from tests.support.waiting import wait_until

HERE = pathlib.Path(__file__).parent
LONG = os.environ.get("PODKEEPER_LONG") == "1"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def can_mount() -> bool:
    """Whether this process may mount; root in a container usually may not."""
    if os.geteuid() != 0:
        return False
    trial = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return trial.returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="needs the right to mount")
needs_fuse = pytest.mark.skipif(
    not (can_mount() and os.path.exists("/dev/fuse") and shutil.which("gcc") and shutil.which("pkg-config")),
    reason="needs /dev/fuse, gcc, libfuse3-dev and the right to mount",
)


def as_user(uid: int, work: Callable[[], None], gid: int | None = None) -> None:
    """Run `work` in a child process as `uid`; a failed assertion there fails the test."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(*[uid if gid is None else gid] * 3)
            os.setresuid(uid, uid, uid)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0, f"as uid {uid}: see the traceback on stderr"


@contextlib.contextmanager
def folder_for_others(mode: int = 0o755) -> Iterator[pathlib.Path]:
    """A temporary folder that other users can reach: pytest's own are root's alone."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="podkeeper-"))
    folder.chmod(mode)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def let_others_through(path: pathlib.Path) -> None:
    """Make `path` reachable for other users: pytest's temporary folders are 0700."""
    for folder in (path, *path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)


@contextlib.contextmanager
def mounted(*arguments: str, at: pathlib.Path) -> Iterator[pathlib.Path]:
    at.mkdir(parents=True, exist_ok=True) if not at.exists() else None
    subprocess.run(["mount", *arguments, str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


class Misbehaving:
    """A passthrough mount (passthrough.c) and the switches that make it misbehave."""

    HANG, FAIL, CHOWN, CHMOD, CREATE, WRITE, IGNORE_MODES, SQUASH, RENAME = range(9)

    def __init__(self, folder: pathlib.Path, control: pathlib.Path, process: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self._control = control
        self.process = process

    def set(self, switch: int, value: int) -> None:
        with self._control.open("r+b") as file:
            file.seek(switch)
            file.write(bytes([value]))


def build_passthrough(where: pathlib.Path) -> pathlib.Path:
    """Compile passthrough.c."""
    program = where / "passthrough"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, check=True, text=True
    ).stdout.split()
    subprocess.run(["gcc", "-O2", "-o", str(program), str(HERE / "passthrough.c"), *flags], check=True)
    return program


@contextlib.contextmanager
def misbehaving(
    program: pathlib.Path, source: pathlib.Path, folder: pathlib.Path, delay_us: int = 0
) -> Iterator[Misbehaving]:
    """Mount `source` at `folder` through the passthrough."""
    folder.mkdir()
    control = folder.with_suffix(".control")
    control.write_bytes(bytes(16))
    process = subprocess.Popen([str(program), str(source), str(folder), str(control), str(delay_us)])
    mount = Misbehaving(folder, control, process)
    try:
        wait_until(lambda: os.path.ismount(folder), 10, "the passthrough is mounted")
        yield mount
    finally:
        for switch in range(9):
            mount.set(switch, 0)
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)
        process.send_signal(signal.SIGKILL)
        process.wait()


def inodes(top: pathlib.Path) -> dict[str, tuple[int, int, int, int]]:
    """Every path below `top` with mode, owner, group and ctime, which any write changes."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in [".", *folders, *files]:
            path = os.path.join(folder, name)
            try:
                stat = os.lstat(path)
            except FileNotFoundError:  # a write probe's file, removed meanwhile
                continue
            found[path] = (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_ctime_ns)
    return found
