"""Bundles: a case as a BagIt bag that another office checks offline and runs again."""
