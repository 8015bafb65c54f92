"""Rules that say which accounts may have one owner, on chains of accounts."""
