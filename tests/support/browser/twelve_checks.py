"""The twelve checks of what users do, each judged on the pod's disk and on the screen."""

import os
import subprocess

from tests.support.browser.notebooks_and_terminals import Notebook, Terminal
from tests.support.browser.visit import Check, Visit
from tests.support.waiting import wait_until

NOBODY = 65534


def accessible(visit: Visit) -> None:
    """Log in through the URL of the pod's log; the file browser comes up (and after a reload, by the cookie)."""
    visit.lab.open(visit.pod.token)


def upload_by_drop(visit: Visit) -> None:
    files = [visit.local_file(f"dropped-{n}.bin", os.urandom(50_000)) for n in (1, 2)]
    visit.lab.drop_files(files)
    for file in files:
        visit.lab.sees(file.name)
        visit.arrives(file.name, file.read_bytes())


def upload_by_button(visit: Visit) -> None:
    file = visit.local_file("chosen.png", os.urandom(50_000))
    visit.lab.upload_by_button([file])
    visit.lab.sees(file.name)
    visit.arrives(file.name, file.read_bytes())


def new_folder(visit: Visit) -> None:
    visit.lab.new_folder("pictures")
    assert (visit.pod.root / "pictures").is_dir()


def new_files(visit: Visit) -> None:
    """A text file, written to in the editor, and a notebook, saved."""
    visit.lab.new_file("notes.txt")
    visit.lab.edit("notes.txt", "hello pod")
    wait_until(lambda: "hello pod" in (visit.pod.root / "notes.txt").read_text(), visit.patience, "text saved")
    Notebook.create(visit.lab).save()
    visit.lab.sees("Untitled.ipynb")
    assert (visit.pod.root / "Untitled.ipynb").read_text().lstrip().startswith("{")


def rename(visit: Visit) -> None:
    (visit.pod.root / "before").mkdir()
    (visit.pod.root / "before.txt").write_text("kept")
    visit.lab.refresh()
    visit.lab.rename("before.txt", "after.txt")
    visit.lab.rename("before", "after")
    visit.arrives("after.txt", b"kept")
    assert (visit.pod.root / "after").is_dir()
    assert not (visit.pod.root / "before.txt").exists()
    assert not (visit.pod.root / "before").exists()


def delete(visit: Visit) -> None:
    """A file, and a folder that is not empty."""
    (visit.pod.root / "old").mkdir()
    (visit.pod.root / "old" / "inside.txt").write_text("x")
    (visit.pod.root / "old.txt").write_text("x")
    visit.lab.refresh()
    visit.lab.delete("old.txt")
    visit.lab.delete("old")
    assert not (visit.pod.root / "old.txt").exists()
    assert not (visit.pod.root / "old").exists()


def move(visit: Visit) -> None:
    (visit.pod.root / "shelf").mkdir()
    (visit.pod.root / "moved.txt").write_text("content")
    visit.lab.refresh()
    visit.lab.move("moved.txt", "shelf")
    visit.arrives("shelf/moved.txt", b"content")
    assert not (visit.pod.root / "moved.txt").exists()
    visit.lab.enter_folder("shelf")
    visit.lab.sees("moved.txt")
    visit.lab.go_to_root()


def terminal_launches(visit: Visit) -> None:
    before = visit.pod.api("GET", "/api/terminals")
    Terminal.launch(visit.lab)
    assert len(visit.pod.api("GET", "/api/terminals")) == len(before) + 1


def terminal_works(visit: Visit) -> None:
    """A command has its effect on disk and its output on the screen; the shell is bash."""
    terminal = Terminal(visit.lab)
    proof = visit.pod.root / "from-terminal.txt"
    terminal.run(f"echo $((6*7))-${{BASH_VERSION%%.*}} | tee {visit.pod.inside(proof)}")
    wait_until(lambda: proof.exists() and proof.read_text().startswith("42-"), visit.patience, "effect on disk")
    assert proof.read_text().strip() != "42-", "the shell is not bash"
    terminal.shows(proof.read_text().strip())
    terminal.exit()


def readable_by_comfyui(visit: Visit) -> None:
    """An upload into ComfyUI's input folder can be read by any user ComfyUI may run as."""
    (visit.pod.root / "input").mkdir(exist_ok=True)  # ours has it; stock Jupyter knows nothing of ComfyUI
    visit.lab.refresh()
    visit.lab.enter_folder("input")
    image = visit.local_file("portrait.png", b"\x89PNG" + os.urandom(1000))
    visit.lab.upload_by_button([image])
    visit.arrives("input/portrait.png", image.read_bytes())
    visit.lab.go_to_root()
    uploaded = visit.pod.root / "input" / "portrait.png"
    assert uploaded.stat().st_mode & 0o044 == 0o044, f"mode {uploaded.stat().st_mode:o}"
    if os.geteuid() == 0:
        read = subprocess.run(["cat", uploaded], user=NOBODY, group=NOBODY, capture_output=True, check=True)
        assert read.stdout == image.read_bytes()


def persists_over_restart(visit: Visit) -> None:
    """Stop and start of the container with the same volume: what was uploaded is there, unchanged."""
    kept = visit.local_file("kept.bin", os.urandom(50_000))
    visit.lab.upload_by_button([kept])
    visit.arrives(kept.name, kept.read_bytes())
    visit.lab.close_tabs()
    visit.layout_is_saved(with_terminals=False)
    visit.lab.page.goto("about:blank")
    visit.pod.stop()
    visit.pod.start()
    visit.lab.open(visit.pod.token)
    visit.lab.sees(kept.name)
    visit.arrives(kept.name, kept.read_bytes())


TWELVE: dict[str, Check] = {  # in the order of docs and reports
    "JupyterLab accessible on port 8189": accessible,
    "Can upload files via drag-and-drop": upload_by_drop,
    "Can upload files via Upload button": upload_by_button,
    "Can create new folders": new_folder,
    "Can create new files (notebooks, text files)": new_files,
    "Can rename files and folders": rename,
    "Can delete files and folders": delete,
    "Can move files between folders": move,
    "Can launch terminal from JupyterLab": terminal_launches,
    "Terminal is functional (can run commands)": terminal_works,
    "Uploaded files are readable by ComfyUI": readable_by_comfyui,
    "Files persist after container restart (with volumes)": persists_over_restart,
}
