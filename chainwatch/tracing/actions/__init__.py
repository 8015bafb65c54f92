"""What can be done about the ends of a trace: whom to ask, what to watch, and paths by hand."""
