"""Finds services that run but don't serve, and kills them with a note that says why. Starting is not its job."""
