"""Charts of results: exposure, activity by time, and what was and was not read."""
