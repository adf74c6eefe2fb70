"""Delivery of ComfyUI's outputs (OUTPUTS_TO): files of the output folder are copied by rclone as they appear.

Nothing is ever deleted or replaced, neither here nor there. A file whose name is taken at the destination by another
file gets a suffix of its own content, so that a restart at any moment comes to the same name. What is delivered is read
back (size and hash) and has a receipt on the volume.
"""
