"""Simulated services of an account chain, and those who look like them: exact truth."""
