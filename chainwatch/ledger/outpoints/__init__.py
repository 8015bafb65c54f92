"""A list of all outputs of a chain on disk, by txid and place."""
