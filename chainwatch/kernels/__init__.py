"""Compiled inner loops: the only part that imports numba, and that on first use."""
