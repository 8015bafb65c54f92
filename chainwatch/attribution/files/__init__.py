"""Files of tags: packs, tables, lists and feeds, each read as a stranger's."""
