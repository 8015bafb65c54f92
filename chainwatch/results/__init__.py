"""What every result shares: declared tables, provenance, findings, the mask it prints by."""
