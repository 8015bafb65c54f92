"""Graphs and groups of dense numbers, compiled."""
