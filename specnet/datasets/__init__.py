"""What `"dataset"` may name."""
