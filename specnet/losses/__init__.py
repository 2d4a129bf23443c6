"""What `"loss"` may name."""
