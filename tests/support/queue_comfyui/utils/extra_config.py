"""Marks a ComfyUI whose extra_model_paths.yaml is relative to itself: yaml_dir."""
