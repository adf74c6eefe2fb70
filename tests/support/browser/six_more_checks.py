"""Six more checks, judged like the twelve; and how a check is run.

All run against our pod, where all must pass, and against a stock one, where the tests name those that break.
"""

import hashlib
import os
import pathlib

from playwright.sync_api import expect

from tests.support.browser.notebooks_and_terminals import Notebook, Terminal
from tests.support.browser.twelve_checks import TWELVE
from tests.support.browser.visit import Check, Visit
from tests.support.waiting import wait_until

MIB = 1024 * 1024


def terminal_survives_reload(visit: Visit) -> None:
    """The tab comes back after a reload, with the same shell in it."""
    proof = visit.pod.root / "same-shell.txt"
    Terminal.launch(visit.lab).run("KEPT=still-here")
    before = visit.pod.api("GET", "/api/terminals")
    visit.layout_is_saved(with_terminals=True)
    visit.lab.page.reload()
    visit.lab.wait_until_ready()
    terminal = Terminal(visit.lab)
    terminal.run(f"echo $KEPT > {visit.pod.inside(proof)}")
    wait_until(lambda: proof.exists() and proof.read_text() == "still-here\n", visit.patience, "same shell")
    assert len(visit.pod.api("GET", "/api/terminals")) == len(before)
    terminal.exit()


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
    output = notebook.run_cell(f"open({visit.pod.inside(proof)!r}, 'w').write('from the kernel') * 3")
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


MORE: dict[str, Check] = {
    "A terminal survives a reload": terminal_survives_reload,
    "A notebook cell runs": notebook_cell,
    "Hidden files are shown and open": hidden_files,
    "Deleting frees the disk": deleting_frees_disk,
    "120 MB can be uploaded": upload_120_mb,
}
CHECKS = TWELVE | MORE


def run(name: str, visit: Visit) -> None:
    """One check; and the browser's developer tools show no error, no 4xx or 5xx, no other host."""
    visit.watcher.take()
    CHECKS[name](visit)
    problems = visit.watcher.take()
    assert not problems, f"the browser complains: {problems}"
