"""Model downloads: what is wanted, what fits, and how it arrives whole."""
