"""What `"optimizer"` may name."""
