"""Volumes: the owners and modes of the files on the pod's volumes, and what is wrong with a volume (A).

At boot (boot_steps.py) the top folders are opened in milliseconds and a write probe tests the volume. The program
`[program:volumes]` (__main__.py) then makes a deep pass in the background, as VOLUME_POLICY says, with low priority.

Enters: VOLUME_POLICY, PUID, PGID, RUN_AS and UMASK; the mounted volumes; former templates' folders on them.
Leaves: changed modes and owners, links to adopted folders, `volumes.json` in the runtime folder (pass_record.py),
conditions.
"""
