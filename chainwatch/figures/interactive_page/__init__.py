"""The flows of a trace as a page to move about in: one HTML file that asks nobody for anything."""
