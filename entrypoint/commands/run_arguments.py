"""P: the arguments of `podkeeper run`."""

from __future__ import annotations

import argparse

#: Its exit codes, for the help.
RUN_CODES = (
    "0 done, 65 the job is wrong, 70 it failed in a node or ends ComfyUI, 124 its time is over; another try may help: "
    "73 not delivered, 75 ComfyUI or an input is away, or stopped; 78 bad settings"
)


def add_run(job: argparse.ArgumentParser) -> None:
    """Add the arguments to the parser of `run`."""
    job.add_argument("file", metavar="FILE|URL|-", help="the workflow, as for `podkeeper workflow plan`")
    job.add_argument(
        "--set", action="append", default=[], metavar="NODE.INPUT=VALUE",
        help="a value; NODE: an id, or the title or class of one node alone (6.text='a cat', KSampler.seed=7)",
    )  # fmt: skip
    job.add_argument(
        "--input", action="append", default=[], metavar="NAME=FILE|URL",
        help="an input file; NAME: the name that stands in the workflow",
    )  # fmt: skip
    job.add_argument("--outputs", default="", metavar="NODE,...", help="the files of these nodes alone")
    job.add_argument(
        "--out", default="", metavar="FOLDER|s3://BUCKET/PREFIX|REMOTE:PATH",
        help="copy the files there; nothing there is replaced",
    )  # fmt: skip
    job.add_argument("--id", default="", metavar="ID", help="a job that was done under this id is not run again")
    job.add_argument(
        "--list", default="", metavar="FILE", help="one job for each line: JSON with `set`, `inputs`, `outputs` or `id`"
    )
    job.add_argument(
        "--index", type=int, metavar="N", help="that line of the list alone, from 0 (JOB_COMPLETION_INDEX; none: all)"
    )
    job.add_argument("--timeout", type=float, default=0.0, metavar="SECONDS", help="its longest time (3600)")
    job.add_argument(
        "--fetch", action=argparse.BooleanOptionalAction, help="first install the models and nodes that it lacks (as "
        "the container's command: yes)",
    )  # fmt: skip
    job.add_argument("--result", default="", metavar="FILE", help="write the result, or the failure, there as JSON")
    job.add_argument("--json", action="store_true", help="print the result as JSON")
