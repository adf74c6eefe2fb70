"""What `podkeeper` shows a person in a terminal: status, logs, addresses."""
