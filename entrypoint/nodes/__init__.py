"""ComfyUI's custom nodes: which one ends ComfyUI at its start, which are left out, and which could not be loaded.

`runner` runs inside ComfyUI's process and notes which node is being loaded; `blame` decides from the ends of ComfyUI's
starts; `left_out` makes ComfyUI start without a node, whose files stay as they are; `import_log` reads ComfyUI's own
report of nodes that could not be imported.
"""
