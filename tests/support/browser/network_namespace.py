"""A network of the tests' own: a loopback that no other process changes and no request can leave.

Chromium aborts requests with ERR_NETWORK_CHANGED when an interface of the machine comes or goes (a container
engine does that all the time). Where the kernel lets us, pytest's main thread moves to a new network
namespace for the browser tests; every process and socket made meanwhile lives there. Where it doesn't
(not root, or a container without CAP_SYS_ADMIN) the tests use the machine's own loopback.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def own_network() -> Iterator[bool]:
    """Yields whether this thread now has a network namespace of its own."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.unshare(CLONE_NEWNET) != 0:
            yield False
            return
        try:
            _bring_up("lo")
            yield True
        finally:
            _libc.setns(before, CLONE_NEWNET)
    finally:
        os.close(before)


@contextlib.contextmanager
def network_of(pid: int) -> Iterator[None]:
    """This thread, and every process and socket it makes, in the network of another process (needs root)."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    theirs = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(theirs, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "can't enter the network of another process")
        try:
            yield
        finally:
            _libc.setns(before, CLONE_NEWNET)
    finally:
        os.close(theirs)
        os.close(before)


def _bring_up(interface: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = interface.encode()
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16s24x", name)))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", name, flags | IFF_UP))
