"""An Esplora server as a source: histories, transactions, blocks."""
