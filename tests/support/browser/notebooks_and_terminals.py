"""JupyterLab's terminal and notebook as a user handles them: typed at, and read back from the screen."""

from playwright.sync_api import Locator, expect

from tests.support.browser.jupyterlab import Lab
from tests.support.waiting import wait_until


class Terminal:
    """The terminal in the tab in front."""

    def __init__(self, lab: Lab) -> None:
        self.page = lab.page
        self.timeout = lab.timeout
        self.screen = self.page.locator(".jp-Terminal:visible .xterm-screen")
        self.screen.wait_for()
        wait_until(lambda: set("$#") & set(self.read()), self.timeout, "the shell's prompt", interval=0.3)

    @classmethod
    def launch(cls, lab: Lab) -> "Terminal":
        """File > New > Terminal."""
        lab.menu("File", "New", "Terminal")
        return cls(lab)

    def run(self, command: str) -> None:
        """Type a line."""
        self.screen.click()
        self.page.keyboard.type(command + "\n")

    def read(self) -> str:
        """What is on the screen, the way a user gets at it (it is a canvas): select by mouse and copy."""
        box = self.screen.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 1, box["y"] + 1)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=3)
        self.page.mouse.up()
        self.page.evaluate("navigator.clipboard.writeText('')")
        self.page.keyboard.press("Control+c")
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def shows(self, text: str) -> None:
        """The screen shows this text in time."""
        wait_until(lambda: text in self.read(), self.timeout, f"{text!r} on the terminal's screen", interval=0.3)

    def exit(self) -> None:
        """End the shell; its tab closes."""
        self.run("exit")
        self.screen.wait_for(state="detached")


class Notebook:
    """The notebook in the tab in front."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.page = lab, lab.page
        self.panel = self.page.locator(".jp-NotebookPanel:visible")

    @classmethod
    def create(cls, lab: Lab) -> "Notebook":
        """File > New > Notebook, with the first kernel offered, and wait until that is idle."""
        lab.menu("File", "New", "Notebook")
        lab.confirm("Select Kernel")
        notebook = cls(lab)
        status = notebook.panel.locator(".jp-Notebook-ExecutionIndicator")
        expect(status, "the kernel is idle").to_have_attribute("data-status", "idle")
        return notebook

    def run_cell(self, code: str) -> Locator:
        """Type into the first cell, run it with Shift+Enter; its output."""
        cell = self.panel.locator(".jp-CodeCell").first
        cell.locator(".cm-content").click()
        self.page.keyboard.type(code)
        self.page.keyboard.press("Shift+Enter")
        return cell.locator(".jp-OutputArea-output")

    def save(self) -> None:
        """Ctrl+S; the name offered is taken."""
        self.page.keyboard.press("Control+s")
        self.lab.confirm("Rename and Save")
        self.lab.everything_is_saved()
