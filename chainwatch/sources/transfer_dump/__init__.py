"""Tables of token transfers as a source, described by a column mapping."""
