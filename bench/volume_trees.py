"""Trees for the bench, and functions that make them all wrong again."""

import os
import pathlib
import subprocess

FILES_A_FOLDER = {"many": 50, "few": 8}  # a model hub's cache; a custom node's source


def make(top: pathlib.Path, files: int, shape: str = "many") -> int:
    """Make about `files` empty files, 0644 in folders 0755; returns the number of inodes."""
    each = FILES_A_FOLDER[shape]
    os.umask(0o022)
    made = 1
    top.mkdir(parents=True)
    for number in range(-(-files // each)):
        parent = top / f"{number // 100:05d}"
        if number % 100 == 0:
            parent.mkdir()
            made += 1
        folder = f"{parent}/{number % 100:02d}"
        os.mkdir(folder)
        for file in range(each):
            os.close(os.open(f"{folder}/{file}", os.O_CREAT | os.O_WRONLY, 0o644))
        made += 1 + each
    return made


def spoil(top: pathlib.Path) -> None:
    """All wrong: files 0644, folders 0755, all of them root's."""
    subprocess.run(["chown", "-R", "0:0", str(top)], check=True)
    subprocess.run(["find", str(top), "-type", "f", "-exec", "chmod", "0644", "{}", "+"], check=True)
    subprocess.run(["find", str(top), "-type", "d", "-exec", "chmod", "00755", "{}", "+"], check=True)


def forget_caches(everything: bool) -> None:
    """2: dentries and inodes (the remote volume's, so that each contestant asks the server again)."""
    if everything:
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("2")
