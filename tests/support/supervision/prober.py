"""A prober with the pace of a test, and the service it watches."""

from __future__ import annotations

from tests.support.checkout import SUPPORT

SERVICE = """
[program:{name}]
command={{fakes}} {kind} {{folder}}/port
autorestart=unexpected
exitcodes=78
startsecs=0
stopwaitsecs=2
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={{folder}}/{name}.log
"""


PROBER = """
[program:prober]
command={{python}} -I {fast} {name} {{folder}}/port {fields}
autorestart=true
startsecs=0
redirect_stderr=true
stdout_logfile={{folder}}/prober.log
"""


FAST = str(SUPPORT / "supervision/fast_prober.py")
