"""Pictures of results; each takes and returns matplotlib Axes."""
