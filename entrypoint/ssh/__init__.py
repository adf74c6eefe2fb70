"""SSH: sshd for the keys in PUBLIC_KEY, as the program `sshd`.

Enters: PUBLIC_KEY, the host keys that the volume keeps, connections at SSH_PORT. Leaves: `authorized_keys` and
`sshd_config` in the runtime folder, which root alone reads, and sessions of the services' user, who needs no name in
/etc/passwd: clients log in as root, as RunPod's address says, and `session` changes the user before it runs anything.
"""
