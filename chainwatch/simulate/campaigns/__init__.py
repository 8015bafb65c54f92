"""Simulated campaigns of crimes among innocent business, with the exact truth of who runs which."""
