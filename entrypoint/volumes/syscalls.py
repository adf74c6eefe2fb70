"""A: the system calls that make a walk safe against a concurrent attacker who renames and links.

A folder is opened relative to its parent's descriptor, never through a link and never into another mount
(openat2, Linux 5.6). A file is pinned by an O_PATH descriptor, examined and changed through that descriptor
(fchmodat2 with AT_EMPTY_PATH, Linux 6.6), so the examined inode is the changed one. Container engines'
seccomp profiles may refuse either call: each has a slower fallback that is equally safe.

Python has neither, and `os.chmod(follow_symlinks=False)` raises NotImplementedError, not OSError, on a link.
"""

import ctypes
import errno
import os

_SYS_OPENAT2, _SYS_FCHMODAT2 = 437, 452  # the same on x86_64 and aarch64
_AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = 0x100, 0x1000
_NO_XDEV, _NO_SYMLINKS, _BENEATH = 0x01, 0x04, 0x08

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
PIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC

_RETRIES = 16  # A rename or a mount elsewhere raced the look-up: openat2(2) says to try again.


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_library = ctypes.CDLL(None, use_errno=True)
_openat2 = ctypes.CFUNCTYPE(
    *(ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t), use_errno=True
)(("syscall", _library))
_fchmodat2 = ctypes.CFUNCTYPE(
    *(ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint), use_errno=True
)(("syscall", _library))
_fchownat = ctypes.CFUNCTYPE(
    *(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_int), use_errno=True
)(("fchownat", _library))


def _failure(name: bytes) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), os.fsdecode(name))


class Kernel:
    """The calls that this kernel and seccomp profile allow; an argument disables a call to test its fallback."""

    def __init__(self, openat2: bool = True, fchmodat2: bool = True) -> None:
        self._how_folder = _OpenHow(FOLDER, 0, _NO_XDEV | _NO_SYMLINKS | _BENEATH)
        self._how_pin = _OpenHow(PIN, 0, _NO_XDEV | _NO_SYMLINKS | _BENEATH)
        self.openat2 = openat2 and self._has_openat2()
        self.fchmodat2 = fchmodat2 and self._has_fchmodat2()

    def _has_openat2(self) -> bool:
        root = os.open("/", FOLDER)
        try:
            os.close(self._open2(root, b".", self._how_folder))
        except OSError:
            return False
        finally:
            os.close(root)
        return True

    def _has_fchmodat2(self) -> bool:
        """Call it on an impossible name: a kernel with the call returns ENOENT, others ENOSYS or EPERM."""
        _fchmodat2(_SYS_FCHMODAT2, -100, b"/\x01no-such-name", 0o600, _AT_SYMLINK_NOFOLLOW)
        return ctypes.get_errno() == errno.ENOENT

    def open_folder(self, parent: int, name: str) -> int:
        """Open the folder `name`. Raises OSError: EXDEV for another mount, ELOOP or ENOTDIR for a link."""
        if self.openat2:
            return self._open2(parent, os.fsencode(name), self._how_folder)
        return self._open1(parent, name, FOLDER)

    def pin(self, parent: int, name: str) -> int:
        """Return an O_PATH descriptor of `name` (for a link: the link itself, or ELOOP)."""
        if self.openat2:
            return self._open2(parent, os.fsencode(name), self._how_pin)
        return self._open1(parent, name, PIN)

    def _open2(self, parent: int, name: bytes, how: _OpenHow) -> int:
        for _ in range(_RETRIES):
            descriptor = int(_openat2(_SYS_OPENAT2, parent, name, ctypes.addressof(how), ctypes.sizeof(_OpenHow)))
            if descriptor >= 0:
                return descriptor
            if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
                break
        raise _failure(name)

    def _open1(self, parent: int, name: str, flags: int) -> int:
        """Mount ids, not st_dev: a bind mount of the same file system has the same st_dev."""
        descriptor = os.open(name, flags, dir_fd=parent)
        try:
            same = mount_id(descriptor) == mount_id(parent)
        except BaseException:
            os.close(descriptor)
            raise
        if same:
            return descriptor
        os.close(descriptor)
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)

    def change_mode(self, pinned: int, mode: int) -> None:
        """Change the mode of the inode an O_PATH descriptor pins (fchmod(2) refuses such descriptors)."""
        if not self.fchmodat2:
            os.chmod(f"/proc/self/fd/{pinned}", mode)
        elif _fchmodat2(_SYS_FCHMODAT2, pinned, b"", mode, _AT_EMPTY_PATH) < 0:
            raise _failure(b"")

    def change_mode_at(self, parent: int, name: str, mode: int) -> bool:
        """Change the mode of `name` in `parent`; returns False for a link, unchanged. Needs `fchmodat2`.

        One call, for folders where no other user can replace `name`.
        """
        encoded = os.fsencode(name)
        if _fchmodat2(_SYS_FCHMODAT2, parent, encoded, mode, _AT_SYMLINK_NOFOLLOW) == 0:
            return True
        if ctypes.get_errno() == errno.ENOTSUP:
            return False
        raise _failure(encoded)

    def change_owner(self, pinned: int, uid: int, gid: int) -> None:
        """Change the owner of the inode an O_PATH descriptor pins; -1 leaves the uid or gid."""
        if _fchownat(pinned, b"", uid & 0xFFFFFFFF, gid & 0xFFFFFFFF, _AT_EMPTY_PATH) < 0:
            raise _failure(b"")


def mount_id(descriptor: int) -> int:
    """Return the id of the mount a descriptor came through. Raises OSError without /proc."""
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as lines:
        for line in lines:
            if line.startswith(b"mnt_id:"):
                return int(line[7:])
    raise OSError(errno.ENOSYS, "no mount ids in /proc/self/fdinfo")
