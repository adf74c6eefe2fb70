"""ComfyUI: its launcher, its command line, and its data folders.

Enters: the settings, the installation found, the user's files. Leaves: the ComfyUI process, and conditions for
everything that would have made it exit at start. `handover/` is loaded by ComfyUI itself, in its own Python.
"""
