"""From links to owners, and from owners back to the evidence."""
