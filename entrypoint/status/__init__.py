"""The status server and its page: what the pod knows about itself, and how people and programs read it.

Enters: supervisord's answers, the state files in the runtime folder, health paths, the kernel's and the GPU driver's
figures. Leaves: status.json, /metrics, /healthz, /readyz, a stream of events and the page; the page's buttons reach
supervisord and the model downloads. `collect` reads, `snapshot` decides, `server` and `handlers` serve.
"""
