"""Who matters and who is masked."""
