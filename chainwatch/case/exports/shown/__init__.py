"""What a case shows in an edition, as plain values that every export is written from."""
