"""Commands about what to look at first, and whether a link is more than chance."""
