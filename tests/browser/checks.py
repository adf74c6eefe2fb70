"""The seed's twelve checks and what else a user must not miss, each judged on the pod's disk and on the screen.

They run against our pod, where all must pass, and against a stock one, where the tests name those that break.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import subprocess
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.chromium import Watcher
from tests.browser.lab import Lab
from tests.browser.lab_work import Notebook, Terminal
from tests.browser.pod import Pod
from tests.waiting import wait_until

SOON = 20.0  # seconds for an effect on disk on a busy machine
NOBODY = 65534
MIB = 1024 * 1024


@dataclasses.dataclass
class Visit:
    """A user at work: the tab, the pod behind it, files on the user's own disk, the developer tools."""

    lab: Lab
    pod: Pod
    desk: pathlib.Path
    watcher: Watcher
    patience: float = SOON

    def be_patient(self, seconds: float) -> None:
        """Wait this long for each effect, on disk or in the page."""
        self.patience = seconds
        self.lab.be_patient(seconds)

    def local_file(self, name: str, content: bytes) -> pathlib.Path:
        """A file on the user's own machine."""
        path = self.desk / name
        path.write_bytes(content)
        return path

    def arrives(self, name: str, content: bytes) -> None:
        """The pod's disk has this file with exactly this content."""
        path = self.pod.root / name
        wait_until(
            lambda: path.is_file() and path.read_bytes() == content,
            self.patience,
            f"{name} on the pod's disk, whole",
        )

    def layout_is_saved(self, with_terminals: bool) -> None:
        """JupyterLab stores which tabs are open a moment after they change; a reload before that loses it."""

        def saved() -> bool:
            workspace = self.pod.api("GET", "/lab/api/workspaces/default")
            return ("terminal:" in json.dumps(workspace)) == with_terminals

        wait_until(saved, self.patience, "the open tabs are stored on the pod", interval=0.1)


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
    wait_until(
        lambda: "hello pod" in (visit.pod.root / "notes.txt").read_text(), visit.patience, "text saved"
    )
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
    terminal.run(f"echo $((6*7))-${{BASH_VERSION%%.*}} | tee {proof}")
    wait_until(
        lambda: proof.exists() and proof.read_text().startswith("42-"), visit.patience, "effect on disk"
    )
    assert proof.read_text().strip() != "42-", "the shell is not bash"
    terminal.shows(proof.read_text().strip())
    terminal.exit()


def terminal_survives_reload(visit: Visit) -> None:
    """The tab comes back after a reload, with the same shell in it."""
    proof = visit.pod.root / "same-shell.txt"
    Terminal.launch(visit.lab).run("KEPT=still-here")
    before = visit.pod.api("GET", "/api/terminals")
    visit.layout_is_saved(with_terminals=True)
    visit.lab.page.reload()
    visit.lab.wait_until_ready()
    terminal = Terminal(visit.lab)
    terminal.run(f"echo $KEPT > {proof}")
    wait_until(lambda: proof.exists() and proof.read_text() == "still-here\n", visit.patience, "same shell")
    assert len(visit.pod.api("GET", "/api/terminals")) == len(before)
    terminal.exit()


def readable_by_comfyui(visit: Visit) -> None:
    """An upload into ComfyUI's input folder can be read by any user ComfyUI may run as."""
    visit.lab.ensure_folder("input")
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


def upload_120_mb(visit: Visit) -> None:
    """More than the proxy lets through in one request: JupyterLab has to send it in pieces."""
    big = visit.local_file("big.safetensors", os.urandom(MIB) * 120)
    visit.lab.upload_by_button([big])
    visit.lab.confirm("Upload")  # "Large file size warning", from 15 MB on
    target = visit.pod.root / big.name
    wait_until(lambda: target.exists() and target.stat().st_size >= 120 * MIB, 90, "120 MB on the pod's disk")
    visit.lab.sees(big.name)
    expect(visit.lab.page.locator(".jp-FileBrowser progress, .jp-Statusbar-ProgressBar")).to_have_count(0)
    assert digest(target) == digest(big)
    target.unlink()
    big.unlink()
    visit.lab.refresh()


def notebook_cell(visit: Visit) -> None:
    """A kernel starts and a cell's output comes back, over the WebSocket."""
    notebook = Notebook.create(visit.lab)
    proof = visit.pod.root / "from-kernel.txt"
    output = notebook.run_cell(f"open({str(proof)!r}, 'w').write('from the kernel') * 3")
    expect(output, "the cell's output").to_have_text("45")
    visit.arrives(proof.name, b"from the kernel")
    notebook.save()


def hidden_files(visit: Visit) -> None:
    """.env and friends can be shown and opened."""
    (visit.pod.root / ".secrets.txt").write_text("hidden but mine")
    visit.lab.menu("View", "Show Hidden Files")
    visit.lab.refresh()
    expect(visit.lab.text_of(".secrets.txt")).to_have_text("hidden but mine")


def deleting_frees_disk(visit: Visit) -> None:
    """What is deleted has no name left anywhere: a trash would keep the disk full."""
    doomed = visit.pod.root / "doomed.bin"
    doomed.write_bytes(os.urandom(1000))
    visit.lab.refresh()
    with doomed.open("rb") as held:
        visit.lab.delete(doomed.name)
        assert os.fstat(held.fileno()).st_nlink == 0, "moved to a trash"


def digest(path: pathlib.Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Check = Callable[[Visit], None]

SEED: dict[str, Check] = {  # the seed's own words and order
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
MORE: dict[str, Check] = {
    "A terminal survives a reload": terminal_survives_reload,
    "A notebook cell runs": notebook_cell,
    "Hidden files are shown and open": hidden_files,
    "Deleting frees the disk": deleting_frees_disk,
    "120 MB can be uploaded": upload_120_mb,
}
CHECKS = SEED | MORE


def run(name: str, visit: Visit) -> None:
    """One check; and the browser's developer tools show no error, no 4xx or 5xx, no other host."""
    visit.watcher.take()
    CHECKS[name](visit)
    problems = visit.watcher.take()
    assert not problems, f"the browser complains: {problems}"
