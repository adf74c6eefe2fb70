"""A worker of RunPod Serverless: takes jobs from RunPod's queue, in worker-comfyui's shape, and hands them to `jobs`.

`__main__` is the launcher of `[program:worker]`: it reads RunPod's key and becomes `sdk_worker`, which runs in an
environment of its own with RunPod's SDK. `shape` translates requests and results. The job itself is run by the
program `jobs`, so that neither the worker's end nor ComfyUI's loses it.
"""
