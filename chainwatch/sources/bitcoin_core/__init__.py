"""A running node as a source: JSON-RPC and REST."""
