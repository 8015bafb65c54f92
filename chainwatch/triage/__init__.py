"""What to look at first, whether a link is more than chance, and what serves public health."""
