"""What `"metrics"` may name."""
