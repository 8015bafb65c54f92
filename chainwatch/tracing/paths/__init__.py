"""Routes: whether and how the money of one party reached another, and what the answer rests on."""
