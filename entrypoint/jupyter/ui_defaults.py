"""P: defaults of JupyterLab's interface that a configuration file can't set.

JupyterLab asks every new user whether it may fetch news; a user who pays by the minute needs no such question, and the
pod makes no request to other hosts. Written to `labconfig/default_setting_overrides.json` in the configuration
folder (jupyterlab_server.settings_utils); the user's choices in the Settings Editor win over these defaults.
"""

from __future__ import annotations

import json

OVERRIDES = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def interface_text() -> str:
    """The text of the overrides file."""
    return json.dumps(OVERRIDES, indent=2) + "\n"
