"""The data folder of a node as a source."""
