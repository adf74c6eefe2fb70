"""Jobs: one run of a workflow, from a request to its results or to a named failure.

In: a request (`podkeeper run`, a job of RunPod Serverless, the job API): a workflow in either format of ComfyUI, input
files, values to set, the outputs that are wanted. Out: files, or a failure with ComfyUI's own words and whether another
try can help.

`request` (checked text) -> `graph` (the user interface's format -> nodes and links) -> `api_format` -> `values` (what
is set, and where the input files went) -> `check` (against the running ComfyUI's own `/object_info`) -> `run`:
`client` (ComfyUI's HTTP interface), `watch` (its WebSocket) -> `outcome`. `records` keeps each job on the volume, so
that a job that comes again gets the result that it had.
"""
