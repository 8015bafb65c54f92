"""Who people are in a case: eight roles with their evidence, and whom no edition may show."""
