"""EVM chains, read from any node by JSON-RPC: blocks, receipts, logs, traces."""
