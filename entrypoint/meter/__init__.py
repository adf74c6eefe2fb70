"""The meter: what the pod costs, whether it is idle, and when it is stopped (A).

`[program:meter]` runs as the services' user. It looks now and then whether something is at work (`looks`, `processes`),
cheap looks first, and stops looking at the first sign of work. `idle`, `decide` and `ledger` are pure: looks -> idle
seconds -> busy, idle, soon, due. A look that fails counts as work. When the time is up, it waits for what must be safe
first (`before_stop`), and asks `[program:runpod]` for the stop (`entrypoint.runpod`). Its report, `reports/meter.json`,
is what the page, `podkeeper cost`, /metrics and JupyterLab show (`report`).
"""
