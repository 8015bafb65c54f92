"""Following coins over the columns of an index, compiled: a walk that visits what it follows."""
