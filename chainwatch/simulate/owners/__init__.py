"""Simulated owners, to measure rules and clusters on: every habit, every trap, exact truth."""
