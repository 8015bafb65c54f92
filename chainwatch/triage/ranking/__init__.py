"""What to look at first: reasons to look, what each part of a score is made of, and the order."""
