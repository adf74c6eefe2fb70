"""The start command: the container's CMD, run once beside the services."""
