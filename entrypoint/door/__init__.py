"""The gateway: nginx in front of ComfyUI, and the login and origin rules that every web page of the pod follows.

Enters: requests from RunPod's proxy, the settings, the login's secrets. Leaves: requests to ComfyUI with the
credentials removed, the login page, the "is starting" page. `nginx.conf` holds the whole access decision, top to
bottom; `session` makes the same decision for the status page, `guard` for JupyterLab.
"""
