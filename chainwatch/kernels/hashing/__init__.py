"""Hash functions over many spans of bytes, compiled."""
