"""Rules that say which addresses may have one owner."""
