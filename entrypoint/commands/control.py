"""A: `podkeeper start`, `stop`, `restart` and `tail`: supervisorctl, pointed at this pod by entrypoint/cli.py.

Exit codes: those of supervisorctl. SIGPIPE ends the process quietly when the reader of stdout goes away: supervisorctl
would report a failed connection, and Python would exit with 120.
"""

import signal

from supervisor import supervisorctl

if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    supervisorctl.main()
