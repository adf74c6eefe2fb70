"""Until the entrypoint is here."""

import pathlib
import sys

from tests.browser.pod import Pod

CONFIG = """
import sys; sys.path.insert(0, {folder!r})
c.ServerApp.allow_remote_access = True
c.ServerApp.allow_origin = '*'
c.ServerApp.disable_check_xsrf = True
c.ServerApp.trust_xheaders = True
c.ServerApp.terminals_enabled = True
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.port_retries = 0
c.ServerApp.allow_root = True
c.ServerApp.open_browser = False
c.ServerApp.root_dir = {root!r}
c.ServerApp.terminado_settings = {{"shell_command": ["bash"]}}
c.ServerApp.identity_provider_class = "origin_guard.OriginBound"
c.IdentityProvider.cookie_options = {{"samesite": "Lax"}}
c.ContentsManager.allow_hidden = True
c.FileContentsManager.always_delete_dir = True
c.FileContentsManager.delete_to_trash = False
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
"""


class StandIn(Pod):
    def __init__(self, home: pathlib.Path, overrides: str = "") -> None:
        super().__init__(home)
        self.root.mkdir(parents=True, exist_ok=True)
        text = CONFIG.format(folder="/work/shared/prototypes", root=str(self.root))
        (self.home / "conf.py").write_text(text + overrides)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "jupyterlab", f"--config={self.home}/conf.py", f"--port={self.port}"]
