"""The prober: a startup probe, a liveness probe and a memory limit for each service, as Kubernetes has them (A).

Enters: the rows of SERVICES (targets.py), programs.json, each service's HTTP responses, log, threads and memory.
Leaves: a kill note in the runtime folder and a signal to the process. The restart plugin starts the next process.
"""
