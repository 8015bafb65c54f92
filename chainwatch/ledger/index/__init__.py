"""Memory-mapped arrays of one commit: build, verify, read."""
