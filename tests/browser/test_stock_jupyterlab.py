"""The negative control of the twelve checks: stock Jupyter settings behind the same proxies, and what breaks."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Playwright

from tests.support.browser.chromium import Watcher, keep_evidence
from tests.support.browser.jupyterlab import Lab
from tests.support.browser.pods import Pod, StockPod, open_folder
from tests.support.browser.proxied_pod import new_profile, scene
from tests.support.browser.six_more_checks import CHECKS
from tests.support.browser.visit import SOON, Visit

# What a stock JupyterLab that listens on all interfaces loses when the proxy rewrites Host: every WebSocket
# (403, the browser's Origin is not the Host), hidden files, and the disk space of what is deleted.
BROKEN = {
    "Can create new files (notebooks, text files)",
    "Can launch terminal from JupyterLab",
    "Terminal is functional (can run commands)",
    "A notebook cell runs",
    "Hidden files are shown and open",
    "Deleting frees the disk",
}
IMPATIENCE = 3.0  # seconds to wait for what is known to be broken
# Slow, and no news; the last one can't begin without a terminal.
NOT_RUN = {
    "Files persist after container restart (with volumes)",
    "120 MB can be uploaded",
    "A terminal survives a reload",
}


@pytest.fixture
def visiting(playwright: Playwright) -> Iterator[Callable[[str, bool], Visit]]:
    """A function that sets up a stock pod, a proxy and a tab; all torn down after the test."""
    with contextlib.ExitStack() as stack:

        def visit(listen_on: str, keep_host: bool) -> Visit:
            def stock(home: Path) -> Pod:
                return StockPod(home, listen_on)

            folder = stack.enter_context(open_folder("stock"))
            on = stack.enter_context(scene(playwright, folder, keep_host, stock))
            context = new_profile(on.browser)
            watcher = Watcher(context, on.proxy.pod)
            lab = Lab(context.new_page(), on.proxy.pod)
            return Visit(lab, on.pod, on.desk, watcher)

        yield visit


@pytest.mark.parametrize("keep_host", [True, False], ids=["Host kept", "Host rewritten"])
def test_stock_on_loopback_is_not_even_accessible(visiting: Callable[[str, bool], Visit], keep_host: bool) -> None:
    """As pip installs it, Jupyter listens on loopback and refuses every Host that is not local."""
    visit = visiting("127.0.0.1", keep_host)
    answer = visit.lab.page.goto(f"{visit.lab.origin}/lab?token={visit.pod.token}")
    assert answer is not None
    assert answer.status == 403
    assert "Blocking request with non-local" in visit.pod.output.read_text()


def test_stock_behind_a_host_rewriting_proxy_breaks_terminals(
    visiting: Callable[[str, bool], Visit], request: pytest.FixtureRequest
) -> None:
    """Listening on all interfaces, stock settings break exactly these checks, and the browser says why."""
    visit = visiting("0.0.0.0", False)
    broken = {}
    for name in (name for name in CHECKS if name not in NOT_RUN):
        visit.be_patient(IMPATIENCE if name in BROKEN else SOON)
        try:
            CHECKS[name](visit)
        except (AssertionError, Error) as error:
            broken[name] = (str(error) or repr(error)).splitlines()[0]
            visit.lab.dismiss()
    print("\n".join(f"broken: {name}: {reason}" for name, reason in broken.items()))
    if set(broken) != BROKEN:
        keep_evidence(visit.lab.page, request.node.name, visit.watcher)
    assert set(broken) == BROKEN
    texts = [problem.text for problem in visit.watcher.take()]
    assert any("/terminals/websocket/" in text and "403" in text for text in texts)
