"""A sheet that leads from an alarm to support: pathways, in words that shame nobody."""
