"""The findings of a case: a table that answers a question, and the words beside it."""
