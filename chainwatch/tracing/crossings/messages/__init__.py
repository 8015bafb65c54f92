"""Messages between chains: what memos and logs of bridges say of both sides of a crossing."""
