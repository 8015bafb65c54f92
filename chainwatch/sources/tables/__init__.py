"""Tables whose header is known: the mapping is chosen by it, and the pull says which."""
