"""Questions that look at what was read: rules, peel chains, pools, batches, other owners."""
