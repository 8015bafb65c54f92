"""A case: an append-only log of results, and the files an opposing expert reruns."""
