"""The command line: a thin reader that calls the library and prints what it answers."""
