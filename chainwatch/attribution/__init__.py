"""Who says that an address is what: tags, their sources, their dates."""
