"""What of every output of a whole chain is traced: a scan in chain order, to every end at once."""
