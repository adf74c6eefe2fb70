"""Workflows for tests: shapes of templates, and the pictures and videos that hold one."""
