"""Tags over clusters: whom else a tag names, by which evidence, and where it stops."""
