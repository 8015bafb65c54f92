"""Flows as they are drawn: their rows, and the same as a graph."""
