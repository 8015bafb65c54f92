"""Tron as a source: histories from TronGrid, and blocks from a node."""
