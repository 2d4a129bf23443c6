"""What `"transforms"` may name."""
