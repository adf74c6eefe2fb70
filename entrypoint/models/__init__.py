"""Model downloads: the manifest and the user's flags enter, verified files in ComfyUI's folders leave.

In: a manifest (catalogue/), the DOWNLOAD_* flags and requests (`bundle_requests`), the tokens of the sources. Out: the
files, a receipt each (`store`), `<runtime>/reports/models.json` (`progress.record`), the condition ModelsIncomplete, an
exit code (`outcome`). `worker` is supervisord's one-shot, `commands`, `add_remove`, `fetch_pasted` and `search` are
`podkeeper models`.

`run` surveys what is installed and how large the rest is, has `fetch_plan.make_plan` decide, and executes the plan.
One file on its way to the disk passes eight modules, none of them twice:

    run.execute -> download/queue -> download/one_file -> download/segmented -> transport/client -> transport/response
    -> download/part_file, and then from one_file -> store

Beside that path, and never calling back into it: download/remote_file (the resolved address, the attempts),
download/segments, hasher, connections, lease; progress. An origin without ranges takes download/whole_file in place of
download/segmented. Where the pod's own disks have a file's bytes already, same_bytes takes the place of the download.

Two disks: a `ModelStore` is the volume's, and its `local` is the container's own disk (MODELS_CACHE=local): local_disk
decides what goes there first, write_behind copies that to the volume.

What a user pastes passes sources/pasted (the text) and the site's `recognise` (the address). Where the address leaves
it open, pasted_files has site_api ask, the site's `answer` list, and sources/selection choose and say where each goes.

Rooms, from the top: run, update, worker and commands; pasted_files; write_behind; download/; same_bytes; store and
report; catalogue/ (what is wanted); sources/ (one file a site) and transport/ (HTTP); errors, disk. No room imports
from one above it (pyproject.toml).
"""
