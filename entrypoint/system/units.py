"""P: amounts and durations as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`89 s`, `5 min`, `2.1 h`."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def gigabytes(amount: int) -> str:
    """Bytes as `1.2 GB`, or `3.4 MB` below 100 MB."""
    return f"{max(amount, 0) / 1e9:.1f} GB" if amount >= 10**8 or amount <= 0 else f"{amount / 1e6:.1f} MB"
