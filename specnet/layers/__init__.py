"""What `"layers"` may name: `linear`, `flatten`, `dropout` and the activation functions."""
