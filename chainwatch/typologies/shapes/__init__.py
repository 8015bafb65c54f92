"""Shapes of graphs and of time that payments have, whatever they are for."""
