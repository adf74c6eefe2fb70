"""A: `[program:jobs]`: runs the jobs that wait, one after another, and ends when none has come for a while.

It is started with the pod, for jobs that an earlier one has left, and whenever a job is handed in. Until there is one
it imports nothing of what a job needs.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.notify import has_left_one, notify
from entrypoint.system.privileges import become_service_user

_LINGER_S, _PERIOD_S = 30.0, 0.1


def main() -> int:
    """Run jobs until none is left; returns the exit code, 0 unless it was stopped."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_service_user(settings)
    folder = f"{paths.models_state}/jobs"
    if not settings.webhooks_enabled and has_left_one(paths):  # else the program runs
        from entrypoint.system.supervisord_rpc import start

        start(paths.runtime, "webhooks")
    try:
        if not any(name.endswith(".request") for name in os.listdir(folder)):
            return 0
    except OSError:
        return 0
    return _work(settings, paths)


def _work(settings: Settings, paths: Paths) -> int:
    from entrypoint.jobs.failure import Failure, JobFailed
    from entrypoint.jobs.queue import Queue
    from entrypoint.jobs.records import FAILED, Record
    from entrypoint.jobs.request import job_of
    from entrypoint.jobs.run import Runner, Stopped
    from entrypoint.jobs.webhook import tell
    from entrypoint.system.folder_changes import notice

    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stopping.append(number))
    queue = Queue(paths)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
    notice(queue.folder)
    runner = Runner(settings, paths, tell=lambda record: None, stopped=lambda: bool(stopping))
    idle_since = time.monotonic()
    while not stopping and time.monotonic() - idle_since < _LINGER_S:
        job_id = queue.next()
        if not job_id:
            signal.sigtimedwait([signal.SIGIO], _PERIOD_S)
            continue
        webhook = ""
        try:
            job = job_of({**(queue.request(job_id) or {}), "id": job_id})
            webhook = job.webhook
            record = runner.run(job, lambda: queue.is_cancelled(job_id))  # noqa: B023  # used within this turn
        except JobFailed as error:  # the request's file is damaged
            record = Record(job_id, FAILED, failure=error.failure)
            queue.records.write(record)
        except Stopped:
            return 0
        except OSError as error:
            print(f"jobs: {job_id}: {error.filename}: {error.strerror}", flush=True)
            record = Record(job_id, FAILED, failure=Failure("NotDelivered", f"the volume refuses it: {error.strerror}"))
        if webhook:
            tell(settings, paths, webhook, record)
        queue.finish(job_id)
        if record.failure:  # what has finished is told by ComfyUI's history
            notify(settings, paths, "job.failed", {"id": job_id, "failure": record.failure.as_json()})
        print(f"jobs: {job_id}: {record.failure or f'done in {record.seconds:.1f} s'}", flush=True)
        queue.records.sweep()
        idle_since = time.monotonic()
    return 0


if __name__ == "__main__":
    sys.exit(main())
