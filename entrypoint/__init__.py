"""Podkeeper: the entrypoint of a GPU pod. docs/architecture.md draws the house."""
