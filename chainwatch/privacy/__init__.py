"""What an edition shows: masks, pseudonyms, anonymity sets, redaction, the one view."""
