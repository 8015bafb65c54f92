"""Commands that look at several chains at once."""
