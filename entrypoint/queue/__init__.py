"""The queue that survives (A): the journal of ComfyUI's prompts, restoring, draining. docs/queue.md is for users.

`inside/` runs in ComfyUI's Python, as part of the handover node; the other modules are podkeeper's own.

For other code, what happened to a prompt id ("exactly once by id") is one call:

    from entrypoint.queue.journals import find
    find(paths, prompt_id)      # Kept(status="pending" | "running" | "aside" | "ended", how="success", ...) or None

An id that is given to ComfyUI's POST /prompt as `prompt_id` (ComfyUI 0.29: a UUID) is in the journal, on the volume and
synced, before the response; a second POST of an id that waits or runs gets the response of the first one and queues
nothing. The last 1,000 ended ids are kept with their outcome.
"""
