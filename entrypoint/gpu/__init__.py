"""The GPU: does this host's driver and card do what the pod needs, and which attention is right and fastest on it.

`probe.py` and `attention_probe.py` are scripts for ComfyUI's Python; `run_probe` runs them as child processes, because
CUDA may hang or end a process. `evaluate` and `attention` decide (P), `preflight` acts; `[program:gpu]` runs it once.
"""
