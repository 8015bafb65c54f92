"""Simulated bridges between two account chains, with the exact truth of every deposit."""
