"""The commands: `podkeeper COMMAND` in a terminal, each a program of its own that entrypoint/cli.py execs.

Enters: the command line (`arguments` has the whole tree, and `completion` derives from it) and the environment of the
running pod. Leaves: text or JSON on stdout, one-line errors on stderr, an exit code (`program`).
"""
