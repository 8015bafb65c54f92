"""From a case file to a whole case: what a case on coins, or on accounts, computes."""
