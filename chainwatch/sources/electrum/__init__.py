"""An Electrum server as a source: histories, proven."""
