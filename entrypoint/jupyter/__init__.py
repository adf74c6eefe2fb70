"""JupyterLab: its launcher, its configuration, and the tiles that lead to the pod's other pages.

Enters: the settings and the user's own Jupyter configuration. Leaves: the text of jupyter_lab_config.py, the
JupyterLab process, and `<JupyterLab>/podkeeper/open/<name>`, which leads to ComfyUI and the status page.
"""
