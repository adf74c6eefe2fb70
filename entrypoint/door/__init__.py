"""The door: nginx in front of JupyterLab, ComfyUI and the status page; the one login of the pod.

Enters: requests from RunPod's proxy, the settings, the login's secrets. Leaves: requests to the services with the
credentials removed, the login page, the "is starting" pages. `nginx.conf` holds the whole access decision, top to
bottom; `server.conf` is added for each service. Services recognise the door by its secret (`pass_through`). Without
nginx every service listens on the loopback, with a login of its own (`direct_login`).
"""
