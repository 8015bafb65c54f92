"""Flows as a graph: drawn as nodes and lines, or handed to networkx."""
