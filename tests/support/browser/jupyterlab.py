"""JupyterLab as a user handles it: its file browser by mouse and keyboard, never through the API."""

import pathlib
import re
from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

PATIENCE = 15.0  # seconds, on a busy machine
COPY = 1  # dragOperationsMask of CDP's Input.dispatchDragEvent


class Lab:
    """A browser tab with JupyterLab in it."""

    def __init__(self, page: Page, origin: str, timeout: float = PATIENCE) -> None:
        """`origin`: the pod's public address; `timeout`: seconds a step of the user interface may take."""
        self.page = page
        self.origin = origin
        self.be_patient(timeout)

    def be_patient(self, timeout: float) -> None:
        """Wait this many seconds at each step from now on."""
        self.timeout = timeout
        self.page.set_default_timeout(timeout * 1000)
        expect.set_options(timeout=timeout * 1000)

    def open(self, token: str | None = None) -> None:
        """Go to /lab, as RunPod's console does when a token is given, and wait for the file browser."""
        self.page.goto(f"{self.origin}/lab" + (f"?token={token}" if token else ""))
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """The splash screen is gone and the file browser shows a folder."""
        self.page.locator(".jp-DirListing-content").wait_for()
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    # -- what the file browser shows

    def entry(self, name: str) -> Locator:
        """The row of this name in the folder shown."""
        text = self.page.locator(".jp-DirListing-itemText").filter(has_text=re.compile(f"^{re.escape(name)}$"))
        return self.page.locator(".jp-DirListing-item").filter(has=text)

    def sees(self, name: str) -> None:
        """The folder shown has this entry."""
        expect(self.entry(name), f"{name} in the file browser").to_be_visible()

    def misses(self, name: str) -> None:
        """The folder shown has no such entry."""
        expect(self.entry(name), f"no {name} in the file browser").to_have_count(0)

    def enter_folder(self, name: str) -> None:
        """Double-click a folder."""
        self.entry(name).dblclick()
        crumb = self.page.locator(".jp-BreadCrumbs-item").filter(has_text=name)
        expect(crumb, f"inside the folder {name}").to_be_visible()

    def go_to_root(self) -> None:
        """Click the home icon above the list."""
        self.page.locator(".jp-BreadCrumbs-home").click()
        expect(self.page.locator(".jp-BreadCrumbs-item[title]:not(.jp-BreadCrumbs-home)")).to_have_count(0)

    def refresh(self) -> None:
        """The toolbar's Refresh button."""
        with self.page.expect_response(lambda response: "/api/contents" in response.url):
            self._toolbar("Refresh the file browser.").click()

    # -- what the user does there

    def drop_files(self, files: Sequence[pathlib.Path]) -> None:
        """Drag real files from outside the browser onto the file list.

        JupyterLab >= 4.5 reads drops through webkitGetAsEntry(), which is null for a DataTransfer made by a
        script: only Chromium itself can make this drop.
        """
        box = self.page.locator(".jp-DirListing-content").bounding_box()
        assert box is not None
        # The lower end of the list: a drop on a folder's row would go into that folder.
        where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] - 10}
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": COPY}
        session = self.page.context.new_cdp_session(self.page)
        for step in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": step, **where, "data": data})
        session.detach()

    def upload_by_button(self, files: Sequence[pathlib.Path]) -> None:
        """The toolbar's Upload button and the file chooser it opens."""
        with self.page.expect_file_chooser() as chooser:
            self._toolbar("Upload Files").click()
        chooser.value.set_files(list(files))

    def new_folder(self, name: str) -> None:
        """The toolbar's New Folder button, then type the name."""
        self._toolbar("New Folder").click()
        self._type_name(name)

    def new_file(self, name: str) -> None:
        """Context menu of the empty area, New File, then type the name."""
        self._context_menu(self.page.locator(".jp-DirListing-content"), "New File")
        self._type_name(name)

    def rename(self, old: str, new: str) -> None:
        """Select, F2, type, Enter."""
        self.entry(old).click()
        self.page.keyboard.press("F2")
        self._type_name(new)

    def delete(self, name: str) -> None:
        """Select, Delete key, confirm (the button says Move to Trash where there is one)."""
        self.entry(name).click()
        self.page.keyboard.press("Delete")
        button = self.page.locator(".jp-Dialog").get_by_role("button", name=re.compile("Delete|Trash"))
        button.click()
        self.misses(name)

    def move(self, name: str, folder: str) -> None:
        """Drag a row onto a folder's row."""
        self.entry(name).hover()
        box = self.entry(folder).bounding_box()
        assert box is not None
        x, y = box["x"] + 40, box["y"] + box["height"] / 2
        self.page.mouse.down()
        self.page.mouse.move(x, y + 3, steps=4)
        self.page.mouse.move(x, y)
        expect(self.entry(folder), f"{folder} offers itself").to_have_class(re.compile("jp-mod-dropTarget"))
        self.page.mouse.up()
        self.misses(name)

    def edit(self, name: str, text: str) -> None:
        """Open a text file by double-click, type at its end, save with Ctrl+S."""
        self.entry(name).dblclick()
        editor = self.page.locator(".jp-FileEditor:visible .cm-content")
        editor.click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)
        expect(self._unsaved(), "tabs with unsaved changes").to_have_count(1)
        self.page.keyboard.press("Control+s")
        self.everything_is_saved()

    def everything_is_saved(self) -> None:
        """No tab has the mark of unsaved changes."""
        expect(self._unsaved(), "tabs with unsaved changes").to_have_count(0)

    def text_of(self, name: str) -> Locator:
        """Open a text file by double-click; its editor's content."""
        self.entry(name).dblclick()
        return self.page.locator(".jp-FileEditor:visible .cm-content")

    def close_tabs(self) -> None:
        """File > Close All Tabs, so that a reload restores nothing.

        Not right after work in a notebook: JupyterLab then logs an error for every answer of the kernel's that
        it still waits for.
        """
        self.menu("File", "Close All Tabs")

    def menu(self, *path: str) -> None:
        """Click through the menu bar."""
        self.page.locator(".lm-MenuBar-item").filter(has_text=path[0]).click()
        for label in path[1:]:
            self._menu_item(label).click()

    def dismiss(self) -> None:
        """Escape whatever menu or dialog is open."""
        for _ in range(1 + self.page.locator(".jp-Dialog, .lm-Menu").count()):
            self.page.keyboard.press("Escape")

    def confirm(self, label: str) -> None:
        """Press this button of the dialog shown."""
        self.page.locator(".jp-Dialog").get_by_role("button", name=label, exact=True).click()

    # -- small parts

    def _unsaved(self) -> Locator:
        return self.page.locator(".lm-TabBar-tab.jp-mod-dirty")

    def _toolbar(self, label: str) -> Locator:
        return self.page.locator(f'.jp-FileBrowser-toolbar jp-button[aria-label="{label}"]')

    def _context_menu(self, where: Locator, label: str) -> None:
        box = where.bounding_box()
        assert box is not None
        where.click(button="right", position={"x": box["width"] / 2, "y": box["height"] - 10})
        self._menu_item(label).click()

    def _menu_item(self, label: str) -> Locator:
        exact = re.compile(f"^{re.escape(label)}$")
        return self.page.locator(".lm-Menu-item").filter(has=self.page.locator(".lm-Menu-itemLabel", has_text=exact))

    def _type_name(self, name: str) -> None:
        box = self.page.locator("input.jp-DirListing-editor")
        box.fill(name)
        box.press("Enter")
        self.sees(name)
