"""What `"plots"` may name."""
