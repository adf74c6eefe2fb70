"""The rules as tables, and the properties that hold for every mode."""

import stat
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.settings.volume_policy import GROUP, OWNER, SHARED, TOP
from entrypoint.volumes.rules import (
    DEEP_POLICIES,
    Change,
    Rule,
    file_mode_table,
    is_entered,
    is_private,
    is_top,
    needed_change,
    reason_to_leave,
)

FILE, FOLDER, LINK = stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK


@dataclass(frozen=True)
class FakeStat:
    st_mode: int
    st_uid: int = 1000
    st_gid: int = 1000
    st_nlink: int = 1


def rule(policy: str, uid: int = 1000, gid: int = 1000) -> Rule:
    return Rule("/comfyui", policy, uid, gid)


@pytest.mark.parametrize(
    ("policy", "mode", "wanted"),
    [
        # a file: never executable for more users, read-only stays read-only
        (TOP, FILE | 0o600, 0o600),
        (OWNER, FILE | 0o644, 0o644),
        (OWNER, FILE | 0o000, 0o400),
        (OWNER, FILE | 0o044, 0o444),
        (OWNER, FILE | 0o066, 0o666),
        (OWNER, FILE | 0o444, 0o444),
        (OWNER, FILE | 0o464, 0o664),
        (OWNER, FILE | 0o420, 0o620),
        (GROUP, FILE | 0o644, 0o664),
        (GROUP, FILE | 0o600, 0o660),
        (GROUP, FILE | 0o755, 0o775),
        (GROUP, FILE | 0o700, 0o760),
        (GROUP, FILE | 0o444, 0o444),
        (SHARED, FILE | 0o644, 0o666),
        (SHARED, FILE | 0o600, 0o666),
        (SHARED, FILE | 0o755, 0o777),
        (SHARED, FILE | 0o700, 0o766),
        (SHARED, FILE | 0o444, 0o444),
        (SHARED, FILE | 0o400, 0o444),
        (SHARED, FILE | 0o000, 0o000),
        (SHARED, FILE | 0o666, 0o666),
        (SHARED, FILE | 0o1600, 0o1666),
        # set-id files are left unchanged with any bits
        (OWNER, FILE | 0o4000, 0o4000),
        (GROUP, FILE | 0o2600, 0o2600),
        (SHARED, FILE | 0o4755, 0o4755),
        (SHARED, FILE | 0o2711, 0o2711),
        # folders
        (TOP, FOLDER | 0o700, 0o700),
        (OWNER, FOLDER | 0o000, 0o700),
        (OWNER, FOLDER | 0o1555, 0o1755),
        (GROUP, FOLDER | 0o755, 0o2775),
        (GROUP, FOLDER | 0o2775, 0o2775),
        (SHARED, FOLDER | 0o755, 0o777),
        (SHARED, FOLDER | 0o1700, 0o1777),
        (SHARED, FOLDER | 0o2755, 0o2777),
        (SHARED, FOLDER | 0o555, 0o555),
        # links and special files
        (SHARED, LINK | 0o777, 0o777),
        (SHARED, stat.S_IFIFO | 0o600, 0o600),
        (SHARED, stat.S_IFSOCK | 0o600, 0o600),
        (SHARED, stat.S_IFCHR | 0o600, 0o600),
        (SHARED, stat.S_IFBLK | 0o600, 0o600),
    ],
)
def test_wanted_modes(policy: str, mode: int, wanted: int) -> None:
    change = needed_change(rule(policy), FakeStat(mode))
    if wanted == stat.S_IMODE(mode):
        assert change is None
    else:
        assert change == Change(mode=wanted)


@pytest.mark.parametrize("policy", [TOP, OWNER, SHARED])
@pytest.mark.parametrize("bits", [0o000, 0o700, 0o755, 0o777])
def test_the_top_is_0777_under_every_policy(policy: str, bits: int) -> None:
    """`ls -ld /comfyui` shows drwxrwxrwx."""
    change = needed_change(rule(policy), FakeStat(FOLDER | bits), top=True)
    assert (change.mode if change else bits) == 0o777


def test_the_top_passes_on_its_group_under_group() -> None:
    change = needed_change(rule(GROUP), FakeStat(FOLDER | 0o755), top=True)
    assert change == Change(mode=0o2777)


def test_top_never_touches_a_file() -> None:
    assert needed_change(rule(TOP), FakeStat(FILE | 0o600), top=True) is None


@pytest.mark.parametrize(
    ("policy", "uid", "gid", "change"),
    [
        (OWNER, 0, 0, Change(1000, 1000, None)),
        (OWNER, 1000, 0, Change(-1, 1000, None)),
        (OWNER, 0, 1000, Change(1000, -1, None)),
        (OWNER, 1000, 1000, None),
        (GROUP, 7, 1000, None),
        (GROUP, 7, 0, Change(-1, 1000, None)),
        (SHARED, 7, 7, None),
    ],
)
def test_owners(policy: str, uid: int, gid: int, change: Change | None) -> None:
    """`owner` sets PUID:PGID, `group` the group alone, `shared` neither."""
    assert needed_change(rule(policy), FakeStat(FILE | 0o666, uid, gid)) == change


def test_a_setid_file_is_not_given_away() -> None:
    """chown(2) by root would clear the bit, and giving it away is worse."""
    assert needed_change(rule(OWNER), FakeStat(FILE | 0o4755, 0, 0)) is None
    assert reason_to_leave(rule(OWNER), FakeStat(FILE | 0o4755, 0, 0), "f", True) == "set-id"


@pytest.mark.parametrize(
    ("policy", "found", "name", "safe", "reason"),
    [
        (SHARED, FakeStat(FILE | 0o600), "model.bin", True, ""),
        (SHARED, FakeStat(FILE | 0o600), "id_rsa", True, "private"),
        (OWNER, FakeStat(FILE | 0o600), "id_rsa", True, ""),
        (SHARED, FakeStat(FILE | 0o600, 0, 0, 2), "linked", True, ""),
        (SHARED, FakeStat(FILE | 0o600, 0, 0, 2), "linked", False, "hard link"),
        (SHARED, FakeStat(FILE | 0o600, 1000, 0, 2), "own", False, ""),
        (SHARED, FakeStat(FILE | 0o2600), "setgid", True, "set-id"),
    ],
)
def test_some_files_are_left_unchanged(policy: str, found: FakeStat, name: str, safe: bool, reason: str) -> None:
    assert reason_to_leave(rule(policy), found, name, safe) == reason


policies = st.sampled_from([TOP, *DEEP_POLICIES])
kinds = st.sampled_from([FILE, FOLDER, LINK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK])
stats = st.builds(
    lambda kind, bits, uid, gid: FakeStat(kind | bits, uid, gid),
    kinds,
    st.integers(0, 0o7777),
    st.integers(0, 3),
    st.integers(0, 3),
)


def apply(found: FakeStat, change: Change | None) -> FakeStat:
    if change is None:
        return found
    bits = stat.S_IMODE(found.st_mode) if change.mode is None else change.mode
    return FakeStat(
        stat.S_IFMT(found.st_mode) | bits,
        found.st_uid if change.uid == -1 else change.uid,
        found.st_gid if change.gid == -1 else change.gid,
    )


@given(policies, stats, st.booleans())
def test_bits_are_only_ever_added(policy: str, found: FakeStat, top: bool) -> None:
    after = apply(found, needed_change(rule(policy, 1, 2), found, top))
    assert after.st_mode & found.st_mode == found.st_mode


@given(policies, stats, st.booleans())
def test_a_file_never_becomes_executable_or_setid(policy: str, found: FakeStat, top: bool) -> None:
    after = apply(found, needed_change(rule(policy, 1, 2), found, top))
    if stat.S_ISREG(found.st_mode):
        assert after.st_mode & 0o6111 == found.st_mode & 0o6111
        if found.st_mode & 0o6000:
            assert after == found


@given(policies, stats, st.booleans())
def test_a_changed_file_needs_no_second_change(policy: str, found: FakeStat, top: bool) -> None:
    """A second pass changes nothing."""
    the_rule = rule(policy, 1, 2)
    assert needed_change(the_rule, apply(found, needed_change(the_rule, found, top)), top) is None


@given(policies, stats, st.booleans())
def test_only_files_and_folders_change(policy: str, found: FakeStat, top: bool) -> None:
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        assert needed_change(rule(policy, 1, 2), found, top) is None


@given(st.sampled_from(DEEP_POLICIES), st.integers(0, 0o7777))
def test_the_fast_table_agrees_with_the_rule(policy: str, bits: int) -> None:
    found = FakeStat(FILE | bits)
    wanted = file_mode_table(policy).get(found.st_mode)
    if bits & 0o6000:
        assert wanted is None
    else:
        assert wanted == apply(found, needed_change(rule(policy), found)).st_mode


@pytest.mark.parametrize(
    ("level", "name", "top"),
    [(0, "", True), (1, "models", True), (1, ".cache", False), (2, "checkpoints", False)],
)
def test_the_top_is_the_folder_and_its_visible_first_level(level: int, name: str, top: bool) -> None:
    assert is_top(level, name) is top


def test_private_folders_and_files_are_known_by_name() -> None:
    assert not is_entered(".ssh")
    assert not is_entered("lost+found")
    assert is_entered("models")
    assert is_private("id_ed25519")
    assert is_private("server.key")
    assert not is_private("id_map.json")


def test_the_depth_of_a_rule() -> None:
    assert Rule("/c", SHARED, 0, 0).recursive
    assert Rule("/c", TOP, 0, 0, depth=1).recursive
    assert not Rule("/c", TOP, 0, 0, depth=0).recursive
