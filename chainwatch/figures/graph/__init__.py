"""A trace as a graph: boxes for parties, lines for flows."""
