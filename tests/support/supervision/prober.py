"""supervisord's blocks of a prober with short periods and of the service it probes."""

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
