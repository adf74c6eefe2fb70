"""RunPod's API for this pod: what it costs, and how it is stopped (A).

`[program:runpod]` alone reads the pod's key, which can stop and delete the pod. It runs as the pod's own user (root in
the image): once at the start, for the price, and once when `entrypoint.meter` asks for the stop. What is done then is
decided by the settings in root's environment, never by what a service could write: a service can only ask for the stop
that the user has configured.
"""
