"""Questions that follow value beside what the recipe follows: policies, receipts, swaps, acts."""
