"""P: the names of the packs of custom nodes."""

from __future__ import annotations

#: Name of a pack -> the packs that it is made of.
PACKS = {"wan": ("wan",), "flux": ("flux",), "all": ("wan", "flux")}
