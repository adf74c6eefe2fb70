"""P: the names by which ComfyUI's keeper and podkeeper's own programs find each other, below the runtime folder."""

#: The variable by which ComfyUI's launcher says how the queue is kept: true, ask or false. Absent: not at all.
MODE = "PODKEEPER_QUEUE"
#: The file among the requests while which exists no prompt is accepted or begun (settings/paths.py: DRAIN_REQUEST).
DRAIN = "comfyui-drain"
#: The keeper's report, among the reports; how its requests, among the requests, begin.
REPORT, REQUEST = "queue.json", "queue-request-"
