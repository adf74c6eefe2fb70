"""Podkeeper: the entrypoint of a GPU pod. docs/architecture.md describes its rooms."""

#: The one place of the version: pyproject.toml, `podkeeper --version`, status.json, the support bundle and the image's
#: label (scripts/version) all read it.
__version__ = "0.1.0"
