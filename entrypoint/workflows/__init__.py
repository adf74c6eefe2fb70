"""Workflows: what a workflow of ComfyUI needs, what of it is installed, and how to get the rest.

In: a workflow (a file, an address, stdin; JSON, or a picture or video with a workflow in it). Out: a plan, as text or
JSON, with an exit code; or the missing models and custom nodes, installed.

`open_workflow` -> `embedded` -> `document` (nodes of both formats) -> `needed` (models and node packs, with the tables
of `folders`) -> `survey`: `installed` (the disk, the inventory, ComfyUI), `packs`, `hub` (sizes), `candidates` ->
`plan` -> `show`; `fetch` does it.

`[program:workflows]` (`__main__`, `worker`) does it for a click in ComfyUI (`jobs`, `choose`, `job_state`) and for the
setting WORKFLOWS (`library`, `deliver`).

A workflow is text from another person. None of its names leads out of the models folder, none of its addresses into the
pod's own networks.
"""
