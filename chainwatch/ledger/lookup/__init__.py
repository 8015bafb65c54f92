"""What was read of one address or one transaction."""
