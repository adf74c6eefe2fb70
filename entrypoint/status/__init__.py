"""What the pod knows of itself, and how people see it: a snapshot (P), those who look (A), server and page (A)."""
