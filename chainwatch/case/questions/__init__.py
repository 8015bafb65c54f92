"""Questions that a case file asks by tables of keys: a file each, its keys and its answer."""
