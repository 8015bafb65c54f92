"""Where chain data comes from: one file per kind of source, all in one protocol."""
