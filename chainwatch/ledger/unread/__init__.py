"""What could not be read, and what it may hold."""
