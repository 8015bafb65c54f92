"""How the command line reads sources: a command for each, their options, and whose histories."""
