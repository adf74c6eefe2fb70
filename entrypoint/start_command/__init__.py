"""The start command: the container's CMD, run once beside the services as the program `[program:command]` (A).

Enters: the command line, which the entrypoint keeps in a 0600 file at boot (keep.py).
Leaves: command.log, an exit code as a shell gives it, and the condition StartCommandFailed.
"""
