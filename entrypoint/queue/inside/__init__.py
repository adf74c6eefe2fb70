"""What runs in ComfyUI's Python (A): the standard library alone, imported relatively, because there the name of this
package is `podkeeper_queue` (comfyui/handover/nodes/podkeeper.py) and no other room exists."""
