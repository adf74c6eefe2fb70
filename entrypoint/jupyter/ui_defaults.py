"""P: defaults of JupyterLab's interface that a configuration file can't set.

JupyterLab asks every new user whether it may fetch news; nobody paying by the minute wants to be asked, and the
pod makes no request to other hosts. Written to `labconfig/default_setting_overrides.json` in the configuration
folder (jupyterlab_server.settings_utils); what users choose in the Settings Editor wins over it.
"""

from __future__ import annotations

import json

OVERRIDES = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def interface_text() -> str:
    """The whole file."""
    return json.dumps(OVERRIDES, indent=2) + "\n"
