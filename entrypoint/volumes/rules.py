"""P: the rules for the owner and mode of a file or folder on a volume.

Mode bits are only ever added. Four policies:

* ``top``: only the data folder and its first level, which become 0777 (as under every policy);
* ``owner``: everything belongs to PUID:PGID, who can read every file, write every file that any user can
  write, and enter every folder (as in linuxserver.io's images);
* ``group``: the group gets the owner's permissions, folders pass on their group (as on OpenShift);
* ``shared``: group and others get the owner's permissions.

No policy makes a file executable: git notices (``chmod -R 777`` marks every tracked file as modified, and
``git pull`` in a custom node then refuses), and an upload must not become a program.
"""

import stat as modes
from typing import NamedTuple, Protocol

from entrypoint.settings.volume_policy import GROUP, OWNER, SHARED, TOP

DEEP_POLICIES = (OWNER, GROUP, SHARED)

_SETID = modes.S_ISUID | modes.S_ISGID
_KEEP = -1  # chown(2): leave unchanged

# Folders whose programs require their modes (ssh refuses a key that others can read), snapshots of the file
# server, and (.podkeeper) the folder of our own secrets.
NEVER_ENTERED = frozenset(
    {".podkeeper", ".ssh", ".gnupg", "lost+found", ".snapshot", ".snapshots", ".zfs", ".Trash", ".Trash-0"}
)
_PRIVATE_NAMES = frozenset(
    {
        *("id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"),
        *(".netrc", ".pgpass", ".git-credentials", ".pypirc", "jupyter_cookie_secret", "notebook_secret"),
    }
)
_PRIVATE_ENDINGS = (".key", ".pem", ".p12", ".pfx")


class Stat(Protocol):
    """The part of os.stat_result that rules use."""

    @property
    def st_mode(self) -> int: ...
    @property
    def st_uid(self) -> int: ...
    @property
    def st_gid(self) -> int: ...
    @property
    def st_nlink(self) -> int: ...


class Rule(NamedTuple):
    """One policy for `path` and `depth` levels below it (None: all; 0: only `path`).

    `follow`: `path` may lead through links; not where another user than this process's could have made them.
    """

    path: str
    policy: str
    uid: int
    gid: int
    depth: int | None = None
    follow: bool = True

    @property
    def recursive(self) -> bool:
        return self.depth is None or self.depth > 0


class Change(NamedTuple):
    """The arguments of chown(2) (-1: leave) and chmod(2) (None: leave; permission bits, no file type)."""

    uid: int = _KEEP
    gid: int = _KEEP
    mode: int | None = None

    @property
    def owner(self) -> bool:
        return self.uid != _KEEP or self.gid != _KEEP


def wanted_file_bits(policy: str, bits: int) -> int:
    """Return the permission bits a regular file should have, given those it has. Never adds x, never drops a bit.

    0444 stays 0444: read-only for all users is intended (git's objects have it).
    """
    if policy == OWNER:
        bits |= modes.S_IRUSR
        if bits & 0o222:
            bits |= modes.S_IWUSR
    readable = bits & 0o600
    if policy in (GROUP, SHARED):
        bits |= readable >> 3
    if policy == SHARED:
        bits |= readable >> 6
    return bits


def wanted_folder_bits(policy: str, bits: int, top: bool = False) -> int:
    """Return the permission bits a folder should have. `top`: the data folder or one of its first level."""
    if top:
        bits |= 0o777
    if policy == OWNER:
        bits |= modes.S_IRWXU
    if policy in (GROUP, SHARED):
        bits |= (bits & 0o700) >> 3
    if policy == SHARED:
        bits |= (bits & 0o700) >> 6
    if policy == GROUP:
        bits |= modes.S_ISGID
    return bits


def needed_change(rule: Rule, stat: Stat, top: bool = False) -> Change | None:
    """Return the change this inode needs, or None. Links, devices, pipes, sockets and set-id files are left."""
    bits = modes.S_IMODE(stat.st_mode)
    if modes.S_ISDIR(stat.st_mode):
        wanted = wanted_folder_bits(rule.policy, bits, top)
    elif modes.S_ISREG(stat.st_mode) and rule.policy != TOP and not bits & _SETID:
        wanted = wanted_file_bits(rule.policy, bits)
    else:
        return None
    uid = rule.uid if rule.policy == OWNER and stat.st_uid != rule.uid else _KEEP
    gid = rule.gid if rule.policy in (OWNER, GROUP) and stat.st_gid != rule.gid else _KEEP
    if wanted == bits and uid == _KEEP and gid == _KEEP:
        return None
    return Change(uid, gid, wanted if wanted != bits else None)


def file_mode_table(policy: str) -> dict[int, int]:
    """Return st_mode of a regular file without set-id -> the st_mode under `policy`: a walk's fast path."""
    regular = modes.S_IFREG
    return {regular | bits: regular | wanted_file_bits(policy, bits) for bits in range(0o10000) if not bits & _SETID}


def reason_to_leave(rule: Rule, stat: Stat, name: str, hard_links_are_safe: bool) -> str:
    """Return why a regular file is left unchanged although the rule would change it; "" when it is changed.

    `hard_links_are_safe`: sysctl fs.protected_hardlinks, without which any user can link another user's file
    into the tree and wait for a pass to open it.
    """
    if stat.st_mode & _SETID:
        return "set-id"
    if rule.policy != OWNER and is_private(name):
        return "private"
    if stat.st_nlink > 1 and not hard_links_are_safe and stat.st_uid != rule.uid:
        return "hard link"
    return ""


def is_top(level: int, name: str) -> bool:
    """Return whether a folder `level` below the top gets 0777 (hidden ones contain settings and do not)."""
    return level == 0 or (level == 1 and not name.startswith("."))


def is_entered(name: str) -> bool:
    """Return whether a pass enters a folder of this name."""
    return name not in NEVER_ENTERED and not name.startswith(".podkeeper-")


def is_private(name: str) -> bool:
    """Return whether a file of this name must stay private: its program refuses it, or its secret leaks, otherwise."""
    return name in _PRIVATE_NAMES or name.endswith(_PRIVATE_ENDINGS)
