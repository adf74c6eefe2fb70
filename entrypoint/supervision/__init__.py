"""Supervision: one owner of restarts inside supervisord, a prober that kills what hangs, and the log forwarder (A).

`plugin.py` runs inside supervisord and decides every restart, backoff and shutdown. `prober/` is a program of its
own: it kills services that fail their probes and never starts one. `log_forwarder.py` copies the log files to the
container's stdout.

Enters: `[rpcinterface:podkeeper]` of supervisord.conf (plugin_config.py), kill notes and restart requests in the
runtime folder (kill_notes.py), and the rows of SERVICES.
Leaves: `restarts.json` and `programs.json` in the runtime folder (journal.py), and supervisord's log.
"""
